"""Measures Tillstream's clustering and its rivals, and prints the table.

Every measurement is a process of its own, one after the other, so that its peak resident size is its
own. Standard library only; the rivals run in the interpreter that --rivals names.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.rows = []
        self.environment = dict(os.environ)
        # Settings of the machine that would slow the rivals' linear algebra down.
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            self.environment.pop(name, None)

    def run(self, *command):
        done = subprocess.run(
            [str(part) for part in command], env=self.environment, stdout=subprocess.PIPE, text=True
        )
        if done.returncode != 0:
            sys.exit(f"error: {' '.join(map(str, command))} ended with status {done.returncode}")
        return done.stdout

    def rust(self, *command):
        return json.loads(self.run(self.arguments.rust, *command))

    def rival(self, script, *command):
        return json.loads(self.run(self.arguments.rivals, HERE / script, *command))

    def row(self, task, name, seconds, peak, base=None, sse=None):
        """Takes the seconds of every run; gives their median."""
        median = statistics.median(seconds)
        print(f"{task}: {name}: {median * 1e3:.1f} ms", file=sys.stderr)
        self.rows.append((task, name, median, len(seconds), base, peak, sse))
        return median

    def fits(self, task, file, d, k, restarts, runs, distinct=None):
        """All solvers on the points of one file; Tillstream on `distinct` if that is given."""
        ours = self.rust(
            "fit", "tillstream", distinct or file, d, k, restarts, runs, *["--weighted"] * bool(distinct)
        )
        where = "distinct points" if distinct else "all points"
        base = self.row(
            task, f"Tillstream, {where}", ours["seconds"], ours["peak_bytes"], sse=ours["sse"]
        )

        def linfa():
            return self.rust("fit", "linfa", file, d, k, restarts, runs)

        def sklearn(algorithm):
            return lambda: self.rival("sklearn_fit.py", file, d, k, restarts, runs, algorithm)

        def sklearn_distinct():
            return self.rival("sklearn_fit.py", distinct, d, k, restarts, runs, "lloyd", "weighted")

        rivals = [("linfa-clustering, all points", linfa)]
        if self.arguments.rivals:
            for algorithm in ("lloyd", "elkan"):
                rivals.append((f"scikit-learn {algorithm}, all points", sklearn(algorithm)))
            if distinct:
                rivals.append(("scikit-learn lloyd, distinct points", sklearn_distinct))
        for name, measure in rivals:
            answer = measure()
            self.row(task, name, answer["seconds"], answer["peak_bytes"], base, answer["sse"])

    def line_models(self, csv, runs):
        task = "three line models from the CSV"
        base = self.train(task, "Tillstream, fit only as the rivals", csv, runs, ["--fit-only"])
        self.train(task, "Tillstream, with silhouettes", csv, runs, [], base)
        if self.arguments.rivals:
            answer = self.rival("pandas_models.py", csv, runs)
            name = "pandas + scikit-learn, 10 starts"
            self.row(task, name, answer["seconds"], answer["peak_bytes"], base)
        if self.arguments.spark:
            answer = self.rival("spark_models.py", csv, runs)
            self.row(task, "Spark MLlib, cold", [answer["cold"]], answer["peak_bytes"], base)
            self.row(task, "Spark MLlib, warm", answer["seconds"], answer["peak_bytes"], base)

    def train(self, task, name, csv, runs, flags, base=None):
        """The program's own way, from its start to its end."""
        seconds, peak = [], 0
        command = [self.arguments.tillstream, "train", "--input", csv, "--json", *flags]
        command += ["--entity", "customer,product,country", "--preprocessing", "raw"]
        for _ in range(runs):
            start = time.perf_counter()
            child = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            seconds.append(time.perf_counter() - start)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != 0:
                sys.exit(f"error: tillstream train ended with status {child.returncode}")
            peak = max(peak, usage.ru_maxrss * 1024)
        return self.row(task, name, seconds, peak, base)

    def cumulative(self, lines, runs):
        base = None
        for times in (1, 10, 100):
            answer = self.rust("all", lines * times, min(lines, 10_000), runs)
            name = f"history of {lines * times:,} lines, {answer['distinct']:,} distinct points"
            task = "`all` after one more batch"
            median = self.row(task, name, answer["seconds"], answer["peak_bytes"], base)
            base = base or median

    def table(self):
        cores = len(os.sched_getaffinity(0))
        lines = [
            f"Medians on {cores} processors ({platform.machine()}); load before and after: "
            f"{self.load} and {load()}.",
            "",
            "| task | solver | median | runs | times Tillstream (or the first) | peak resident | SSE |",
            "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for task, name, seconds, runs, base, peak, sse in self.rows:
            ratio = f"{seconds / base:.1f}" if base else "1"
            errors = sorted({f"{error:.8g}" for error in sse or []}, key=float)
            error = " to ".join(errors[:1] + errors[1:][-1:])
            lines.append(
                f"| {task} | {name} | {seconds * 1e3:,.1f} ms | {runs} | {ratio} "
                f"| {peak / 1e6:,.0f} MB | {error} |"
            )
        return "\n".join(lines) + "\n"

    def measure(self):
        self.load = load()
        smoke = self.arguments.smoke
        folder = pathlib.Path(self.arguments.folder)
        lines, runs, several, restarts = (2_000, 1, 1, 2) if smoke else (541_909, 9, 3, 10)
        prepared = self.rust("prepare", folder, lines)
        # The data set may hold fewer lines.
        lines = prepared["lines"]
        self.fits(
            f"{lines:,} x 2 real lines, k = 3, {restarts} starts", folder / "lines.f64", 2, 3, restarts, runs,
            folder / "distinct.f64",
        )
        for k in (3,) if smoke else (8, 16, 64):
            # A rival needs minutes for one start with many clusters.
            starts = min(restarts, 2) if k > 16 else restarts
            task = f"{lines:,} x 2 that do not repeat, k = {k}, {starts} starts"
            self.fits(task, folder / "shaken.f64", 2, k, starts, several)
        for d in (3, 8):
            for k in (3,) if smoke else (3, 16):
                task = f"{lines:,} x {d} that do not repeat, k = {k}, {restarts} starts"
                self.fits(task, folder / f"mixture{d}.f64", d, k, restarts, several)
        n = 20_000 if smoke else 10_000_000
        answer = self.rust("large", n, several)
        task = f"{n:,} x 2 that do not repeat, k = 3, 1 start"
        self.row(task, "Tillstream", answer["seconds"], answer["peak_bytes"], sse=answer["sse"])
        self.line_models(folder / "lines.csv", 1 if smoke else 5)
        self.cumulative(lines, runs)


def load():
    return f"{os.getloadavg()[0]:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rust", required=True, help="the example clustering_rivals")
    parser.add_argument("--tillstream", required=True, help="the program")
    parser.add_argument("--folder", required=True, help="where the points are written")
    parser.add_argument("--rivals", help="a Python with scikit-learn and pandas")
    parser.add_argument("--spark", action="store_true", help="that Python has PySpark, and Java is there")
    parser.add_argument("--output", help="write the table here as well")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes")
    bench = Bench(parser.parse_args())
    bench.measure()
    table = bench.table()
    print(table, end="")
    if bench.arguments.output:
        pathlib.Path(bench.arguments.output).write_text(table)


main()
