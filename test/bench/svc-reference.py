"""scikit-learn's SVC on the rows that svc.ts wrote: one fit, one pass of the decision function.

Called by svc.ts as `python svc-reference.py '<json>'` with the keys of `Task` in svc-engine.ts. Prints one JSON object
with CPU seconds, the objective (half beta K beta - sum |beta|, from the multipliers), support vectors and the
process's peak memory. Written for scikit-learn 1.9, numpy 2.4; any since 1.0 should do.

scikit-learn has no Laplacian kernel built into SVC. Its own `laplacian_kernel` is given as a callable, which computes
the whole kernel matrix at once: that costs the same as handing the matrix over.
"""

import json
import resource
import sys
import time

import numpy as np
import sklearn
from sklearn.metrics.pairwise import laplacian_kernel
from sklearn.svm import SVC

task = json.loads(sys.argv[1])
options = task["options"]
x = np.fromfile(task["folder"] + "/x").reshape(task["rows"], task["columns"])
y = np.fromfile(task["folder"] + "/y", dtype=np.uint8)
gamma = options["gamma"]


def classifier():
    return SVC(
        kernel="rbf" if options["kernel"] == "rbf" else lambda a, b: laplacian_kernel(a, b, gamma),
        C=options["c"],
        gamma=gamma,
        class_weight={0: 1, 1: options["positiveWeight"]},
        tol=options["tolerance"],
        cache_size=options["cacheMegabytes"],
    )


classifier().fit(x[: task["warmRows"]], y[: task["warmRows"]])
start = time.process_time()
model = classifier().fit(x, y)
fit = time.process_time() - start
start = time.process_time()
model.decision_function(x[: task["decisionRows"]])
decision = time.process_time() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

beta = model.dual_coef_[0]
products = model.decision_function(x[model.support_]) - model.intercept_[0]
print(
    json.dumps(
        {
            "version": sklearn.__version__,
            "fit": fit,
            "decision": decision,
            "objective": 0.5 * float(beta @ products) - float(np.abs(beta).sum()),
            "supportVectors": len(beta),
            "peakMegabytes": peak,
        }
    )
)
