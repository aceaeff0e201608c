"""Measures `tillstream up --once --rate max` with several numbers of partitions, as a Markdown table."""

import argparse
import json
import statistics
import subprocess
import tempfile

PARTITIONS = [1, 3, 6, 12]
STEPS = ["produce", "consume", "train", "total"]


def run(tillstream: str, partitions: int, arguments: list[str]) -> dict[str, float]:
    """Seconds of every step, of one run in a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = [tillstream, "up", "--once", "--rate", "max", "--listen", "127.0.0.1:0"]
        command += ["--partitions", str(partitions), "--data-dir", folder, *arguments]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    summary = json.loads(done.stdout.splitlines()[-1])
    if not summary["lines_read"] == summary["lines_sent"] == summary["lines_stored"]:
        raise SystemExit(f"lines are missing: {summary}")
    return summary["seconds"]


def table(runs: dict[int, list[dict[str, float]]]) -> str:
    """Medians in seconds, and the total against that of one partition."""
    rows = [
        "| partitions | " + " | ".join(f"{step}, s" for step in STEPS) + " | against 1 partition |",
        "| ---: " * (len(STEPS) + 2) + "|",
    ]
    base = statistics.median(run["total"] for run in runs[PARTITIONS[0]])
    for partitions, measured in runs.items():
        medians = [statistics.median(run[step] for run in measured) for step in STEPS]
        cells = [f"{seconds:.2f}" for seconds in medians] + [f"{medians[-1] / base:.2f}"]
        rows.append(f"| {partitions} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tillstream", required=True, help="the program")
    parser.add_argument("--smoke", action="store_true", help="little input, once")
    parser.add_argument("--output", help="write the table to this file as well")
    options = parser.parse_args()
    arguments = ["--input", "generate:20000"] if options.smoke else []
    runs: dict[int, list[dict[str, float]]] = {partitions: [] for partitions in PARTITIONS}
    # In turn, so that what else the machine does falls on all alike.
    for _ in range(1 if options.smoke else 5):
        for partitions, measured in runs.items():
            measured.append(run(options.tillstream, partitions, arguments))
    text = table(runs)
    print(text)
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
