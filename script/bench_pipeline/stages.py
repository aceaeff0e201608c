"""How much of the stages of `up --once` overlaps: the whole beside each stage alone."""

import os
from pathlib import Path

from clients import embedded_broker
from measure import folder, median, processor_seconds, seconds, table

STEPS = ["produce", "consume", "train", "up"]


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds of the whole process, and of processor time."""
    before = processor_seconds()
    return seconds(command), processor_seconds() - before


def measured(tillstream: str, parent: Path, arguments: list[str]) -> list[tuple[float, float]]:
    """Every stage as a process of its own, one after the other and with a broker beside them; then all in one."""
    with embedded_broker(tillstream, parent) as brokers:
        at = ["--brokers", brokers, "--data-dir", str(parent / "data")]
        alone = [
            timed([tillstream, "produce", *at, "--rate", "max", *arguments]),
            timed([tillstream, "consume", *at, "--once"]),
            timed([tillstream, "train", "--data-dir", str(parent / "data")]),
        ]
    whole = ["up", "--once", "--rate", "max", "--listen", "127.0.0.1:0", "--data-dir", str(parent / "up")]
    return [*alone, timed([tillstream, *whole, *arguments])]


def measure(tillstream: str, parent: Path, arguments: list[str], runs: int) -> str:
    """A table of medians in seconds, and of the whole against its slowest stage and against what the cores allow."""
    times = [measured(tillstream, folder(parent, f"stages_{n}"), arguments) for n in range(runs)]
    medians = [tuple(median(list(values)) for values in zip(*step)) for step in zip(*times)]
    slowest = max(wall for wall, _ in medians[:-1])
    cores = len(os.sched_getaffinity(0))
    rows = [
        [step, f"{wall:.2f}", f"{wall / slowest:.2f}", f"{cpu:.2f}", f"{cpu / cores / wall:.0%}"]
        for step, (wall, cpu) in zip(STEPS, medians)
    ]
    header = ["whole processes", "seconds", "against the slowest stage", "processor time, s"]
    return table([*header, f"of {cores} cores"], rows)
