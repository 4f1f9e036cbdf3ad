"""Writes golden.json: what scikit-learn and LIBSVM make of some real rows. See README.md."""

import csv
import gzip
import json
import pathlib

import numpy as np
import sklearn
from scipy.optimize import minimize
from sklearn.calibration import calibration_curve
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.metrics.pairwise import laplacian_kernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

HERE = pathlib.Path(__file__).parent
RECORDING = HERE / "../../../../lib/recorded-weather/recordings/nyc-2013.csv.gz"
# Prepared values are whole multiples of 1/UNITS of a standard deviation.
UNITS = 128
COLUMNS = ["temp_c", "dewpoint_c", "humidity_pct", "pressure_mb", "wind_kph", "visibility_km", "precip_mm"]


def rows():
    """JFK, every third hour of the year's first weeks, so that rain comes and goes; pressure is often missing."""
    with gzip.open(RECORDING, "rt") as file:
        jfk = [row for row in csv.DictReader(file) if row["location_id"] == "jfk"]
    number = lambda text: float(text) if text else np.nan
    x = np.array([[number(row[name]) for name in COLUMNS] for row in jfk])
    y = (x[1:, -1] >= 0.1).astype(int)
    wet_now = (x[:-1, -1] >= 0.1).astype(int)
    pick = slice(0, 1200, 3)
    return x[:-1][pick], y[pick], wet_now[pick]


def smoothed(y):
    rain = y.sum()
    return np.where(y == 1, (rain + 1) / (rain + 2), 1 / (len(y) - rain + 2))


def logistic(f, targets, ridge):
    """Minimum of the cross-entropy to soft targets plus ridge/2 |w|^2, by BFGS: another road to the same place."""
    def loss(parameters):
        z = f @ parameters[1:] + parameters[0]
        return np.sum(np.logaddexp(0, z) - targets * z) + ridge / 2 * np.sum(parameters[1:] ** 2)

    def gradient(parameters):
        residual = 1 / (1 + np.exp(-(f @ parameters[1:] + parameters[0]))) - targets
        return np.concatenate([[residual.sum()], f.T @ residual + ridge * parameters[1:]])

    found = minimize(loss, np.zeros(f.shape[1] + 1), jac=gradient, method="BFGS", options={"gtol": 1e-10, "maxiter": 5000})
    return found.x


def main():
    x, y, wet_now = rows()
    train, test = slice(0, 300), slice(300, 400)
    lower = np.nanquantile(x[train], 0.001, axis=0)
    upper = np.nanquantile(x[train], 0.999, axis=0)
    missing = np.isnan(x[train]).any(axis=0)
    values = make_pipeline(
        SimpleImputer(strategy="median"),
        FunctionTransformer(lambda z: np.clip(z, lower, upper)),
        StandardScaler(),
    )
    prepare = ColumnTransformer(
        [
            ("values", values, list(range(len(COLUMNS)))),
            ("missing", MissingIndicator(features="all"), np.flatnonzero(missing)),
        ]
    )
    z = prepare.fit(x[train]).transform(x).astype(float)
    # numpy rounds halves to even, none occurs.
    z[:, : len(COLUMNS)] = np.round(z[:, : len(COLUMNS)] * UNITS) / UNITS

    machines = []
    for kernel, c, gamma, weight in [("rbf", 1.0, 0.1, 4), ("laplacian", 0.5, 0.08, 8)]:
        options = {"C": c, "class_weight": {1: weight}, "tol": 1e-8, "cache_size": 100}
        if kernel == "rbf":
            svc = SVC(kernel="rbf", gamma=gamma, **options).fit(z[train], y[train])
            decisions = svc.decision_function(z)
        else:
            svc = SVC(kernel="precomputed", **options).fit(laplacian_kernel(z[train], gamma=gamma), y[train])
            decisions = svc.decision_function(laplacian_kernel(z, z[train], gamma=gamma))
        machines.append(
            {
                "kernel": kernel,
                "c": c,
                "gamma": gamma,
                "positiveWeight": weight,
                "support": svc.support_.tolist(),
                "coefficients": svc.dual_coef_[0].tolist(),
                "intercept": float(svc.intercept_[0]),
                "decisions": decisions.tolist(),
            }
        )

    f = np.array([machine["decisions"] for machine in machines]).T[test]
    targets = smoothed(y[test])
    platt = logistic(f[:, :1], targets, 0)
    joined = logistic(f, targets, 0)
    present = wet_now[test][:, None]
    by_present = logistic(np.hstack([f, present, f * present]), targets, 1)
    hard = LogisticRegression(C=1.0, tol=1e-10, max_iter=10000).fit(z[train], y[train])

    probabilities = 1 / (1 + np.exp(-(f[:, 0] * platt[1] + platt[0])))
    # Two decimals make ties, which the definitions must treat alike.
    coarse = np.round(probabilities, 2)
    threshold = 0.3
    yes = coarse >= threshold
    dry = wet_now[test] == 0
    observed, forecast = calibration_curve(y[test], probabilities, n_bins=10)
    precision, recall, thresholds = precision_recall_curve(y[test], coarse)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    golden = {
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "columns": COLUMNS,
        "trainingRows": 300,
        "x": [[None if np.isnan(value) else value for value in row] for row in x.tolist()],
        "y": y.tolist(),
        "wetNow": wet_now.tolist(),
        "missing": [COLUMNS[j] for j in np.flatnonzero(missing)],
        "prepared": [[round(value * UNITS) for value in row] for row in z.tolist()],
        "machines": machines,
        "calibration": {
            "platt": platt.tolist(),
            "joined": joined.tolist(),
            "byPresent": by_present.tolist(),
            "probabilities": probabilities.tolist(),
        },
        "logisticRegression": {"intercept": float(hard.intercept_[0]), "weights": hard.coef_[0].tolist()},
        "evaluation": {
            "probabilities": coarse.tolist(),
            "threshold": threshold,
            "averagePrecision": average_precision_score(y[test], coarse),
            "onsetAveragePrecision": average_precision_score(y[test][dry], coarse[dry]),
            "rocAuc": roc_auc_score(y[test], coarse),
            "brier": brier_score_loss(y[test], coarse),
            "logLoss": log_loss(y[test], coarse),
            "accuracy": accuracy_score(y[test], yes),
            "precision": precision_score(y[test], yes),
            "recall": recall_score(y[test], yes),
            "f1": f1_score(y[test], yes),
            "confusion": confusion_matrix(y[test], yes).tolist(),
            "reliability": [[a, b] for a, b in zip(forecast.tolist(), observed.tolist())],
            "bestF1": float(f1.max()),
        },
        "quantiles": np.quantile(z[train][:, 0], [0.025, 0.5, 0.9]).tolist(),
    }
    (HERE / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
