"""scikit-learn's KMeans on the points of a file; prints one JSON object.

Arguments: FILE D K STARTS RUNS ALGORITHM [weighted]
"""

import json
import resource
import sys
import time

import numpy
from sklearn.cluster import KMeans

file, d, k, starts, runs, algorithm, *weighted = sys.argv[1:]
values = numpy.fromfile(file, dtype="<f8")
weights = None
if weighted:
    n = len(values) // (int(d) + 1)
    values, weights = values[: n * int(d)], values[n * int(d) :]
points = values.reshape(-1, int(d))

seconds, errors = [], []
for seed in range(1, int(runs) + 1):
    start = time.perf_counter()
    model = KMeans(int(k), n_init=int(starts), random_state=seed, algorithm=algorithm)
    model.fit(points, sample_weight=weights)
    seconds.append(time.perf_counter() - start)
    errors.append(model.inertia_)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": seconds, "sse": errors, "peak_bytes": peak}))
