"""Three line models with pandas and scikit-learn; prints one JSON object.

Arguments: CSV RUNS
"""

import json
import resource
import sys
import time

import pandas
from sklearn.cluster import KMeans

file, runs = sys.argv[1:]
seconds = []
for _ in range(int(runs)):
    start = time.perf_counter()
    lines = pandas.read_csv(file)
    for column in ("CustomerID", "StockCode", "Country"):
        points = lines.dropna(subset=[column])[["Quantity", "UnitPrice"]].to_numpy(float)
        KMeans(3, n_init=10, random_state=1).fit(points)
    seconds.append(time.perf_counter() - start)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": seconds, "peak_bytes": peak}))
