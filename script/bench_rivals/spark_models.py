"""Three line models with Spark's MLlib, as the original system trains them; prints one JSON object.

Arguments: CSV RUNS. The first run is the cold one: it starts Spark. The peak resident size is that of
the Java machine.
"""

import json
import os
import sys
import time

from pyspark.ml.clustering import KMeans
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import SparkSession


def train(spark, file):
    lines = spark.read.csv(file, header=True, inferSchema=True)
    for column in ("CustomerID", "StockCode", "Country"):
        rows = lines.select(column, "Quantity", "UnitPrice").na.drop()
        assembler = VectorAssembler(inputCols=["Quantity", "UnitPrice"], outputCol="features")
        model = KMeans(k=3, seed=1).fit(assembler.transform(rows))
        model.clusterCenters()


file, runs = sys.argv[1:]
seconds = []
for _ in range(1 + int(runs)):
    start = time.perf_counter()
    spark = (
        SparkSession.builder.master("local[*]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    train(spark, file)
    seconds.append(time.perf_counter() - start)

java = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
with open(f"/proc/{java}/status") as status:
    peak = next(int(row.split()[1]) * 1024 for row in status if row.startswith("VmHWM:"))
spark.stop()
print(json.dumps({"cold": seconds[0], "seconds": seconds[1:], "peak_bytes": peak}))
