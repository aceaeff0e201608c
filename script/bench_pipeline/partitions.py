"""`tillstream up --once --rate max` with several numbers of partitions."""

import json
import tempfile

from measure import median, run, table

PARTITIONS = [1, 3, 6, 12, 24]
STEPS = ["produce", "consume", "train", "total"]


def up(tillstream: str, arguments: list[str]) -> dict[str, float]:
    """Seconds of every step, of one run in a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = [tillstream, "up", "--once", "--rate", "max", "--listen", "127.0.0.1:0"]
        summary = json.loads(run([*command, "--data-dir", folder, *arguments]).splitlines()[-1])
    if not summary["lines_read"] == summary["lines_sent"] == summary["lines_stored"]:
        raise SystemExit(f"lines are missing: {summary}")
    return summary["seconds"]


def measure(tillstream: str, arguments: list[str], runs: int) -> str:
    """A table of medians in seconds, and the total against that of one partition."""
    measured: dict[int, list[dict[str, float]]] = {partitions: [] for partitions in PARTITIONS}
    # In turn, so that what else the machine does falls on all alike.
    for _ in range(runs):
        for partitions, times in measured.items():
            times.append(up(tillstream, ["--partitions", str(partitions), *arguments]))
    base = median([time["total"] for time in measured[PARTITIONS[0]]])
    rows = []
    for partitions, times in measured.items():
        medians = [median([time[step] for time in times]) for step in STEPS]
        rows.append([str(partitions), *(f"{value:.2f}" for value in medians), f"{medians[-1] / base:.2f}"])
    return table(["partitions", *(f"{step}, s" for step in STEPS), "against 1 partition"], rows)
