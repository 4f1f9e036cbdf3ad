"""What retrain-reference.ts compares the retraining with, in scikit-learn with n_jobs=-1.

Reads one JSON object from standard input, writes one to standard output; `seconds` is wall-clock time without starting
Python and importing. Rows lie in `<folder>/<file>.x` (row-major doubles, already prepared) and `<file>.y` (bytes).
Written for scikit-learn 1.9, joblib 1.6, numpy 2.4; `SVC(probability=True)` ends with scikit-learn 1.11.

mode "protocol": every fit of `fits` (the classifiers of a recipe on a fold, or its logistic regression), decision values
    to `<folder>/<name>.values`.
    scikit-learn has no Laplacian kernel built into SVC. Its `laplacian_kernel` is computed once for all members of one
    gamma and given as a precomputed matrix: a callable kernel would compute the same matrix again for each of them.
mode "usual": rows of the minority repeated until classes are equal, SVC(probability=True) with its defaults; `grid`
    searches nine combinations of C and gamma with five folds, by F1.
"""

import json
import sys
import time
import warnings

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss
from sklearn.metrics.pairwise import laplacian_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

task = json.load(sys.stdin)


def rows_of(folder, part, columns):
    x = np.fromfile(f"{folder}/{part['file']}.x").reshape(part["rows"], columns)
    return x, np.fromfile(f"{folder}/{part['file']}.y", dtype=np.uint8)


def fit_members(fit, folder, tolerance, cache):
    start = time.process_time()
    x, y = rows_of(folder, fit["training"], fit["columns"])
    asked, _ = rows_of(folder, fit["asked"], fit["columns"])
    if fit["ridge"] is not None:
        # The fastest of its solvers where rows are many more than columns.
        model = LogisticRegression(C=1 / fit["ridge"], solver="newton-cholesky").fit(x, y)
        model.decision_function(asked).tofile(f"{folder}/{fit['name']}.values")
        return time.process_time() - start
    values = np.empty((len(asked), len(fit["members"])))
    laplacian = fit["kernel"] == "laplacian"
    known = None
    for m, member in enumerate(fit["members"]):
        gamma = member["gamma"]
        if laplacian and gamma != known:
            known = gamma
            square = laplacian_kernel(x, x, gamma)
            across = laplacian_kernel(asked, x, gamma)
        model = SVC(
            kernel="precomputed" if laplacian else "rbf",
            C=member["c"],
            gamma=gamma,
            class_weight={0: 1, 1: member["positiveWeight"]},
            tol=tolerance,
            cache_size=cache,
        ).fit(square if laplacian else x, y)
        values[:, m] = model.decision_function(across if laplacian else asked)
    values.tofile(f"{folder}/{fit['name']}.values")
    return time.process_time() - start


def protocol():
    # The largest first, so that no process is left with one at the end.
    fits = sorted(task["fits"], key=lambda fit: -fit["training"]["rows"])
    start = time.perf_counter()
    cpu = Parallel(n_jobs=-1)(
        delayed(fit_members)(fit, task["folder"], task["tolerance"], task["cacheMegabytes"]) for fit in fits
    )
    return {"seconds": time.perf_counter() - start, "cpuSeconds": sum(cpu), "processes": effective_n_jobs(-1)}


def usual():
    warnings.simplefilter("ignore")
    (fit,) = task["fits"]
    x, y = rows_of(task["folder"], fit["training"], fit["columns"])
    asked, outcomes = rows_of(task["folder"], fit["asked"], fit["columns"])
    start, cpu = time.perf_counter(), time.process_time()
    wet, dry = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    balanced = np.random.default_rng(0).permutation(np.concatenate([dry, np.resize(wet, len(dry))]))
    model = SVC(probability=True, random_state=0)
    if task["grid"]:
        candidates = {"C": [0.1, 1, 10], "gamma": ["scale", 0.01, 0.1]}
        model = GridSearchCV(model, candidates, scoring="f1", cv=5, n_jobs=-1)
    model.fit(x[balanced], y[balanced])
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    probability = model.predict_proba(asked)[:, 1]
    return {
        "seconds": seconds,
        # Without those of the grid's processes.
        "cpuSeconds": cpu,
        "rows": len(balanced),
        "fits": 46 if task["grid"] else 1,
        "averagePrecision": average_precision_score(outcomes, probability),
        "brier": brier_score_loss(outcomes, probability),
    }


print(json.dumps(protocol() if task["mode"] == "protocol" else usual()))
