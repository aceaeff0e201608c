"""How much of the stages of `up --once` overlaps: the whole beside each stage alone."""

from pathlib import Path

from clients import embedded_broker
from measure import folder, median, seconds, table


def alone(tillstream: str, parent: Path, arguments: list[str]) -> dict[str, float]:
    """Seconds of every stage as a process of its own, one after the other, and of all in one."""
    with embedded_broker(tillstream, parent) as brokers:
        at = ["--brokers", brokers, "--data-dir", str(parent / "data")]
        times = {
            "produce": seconds([tillstream, "produce", *at, "--rate", "max", *arguments]),
            "consume": seconds([tillstream, "consume", *at, "--once"]),
            "train": seconds([tillstream, "train", "--data-dir", str(parent / "data")]),
        }
    whole = ["up", "--once", "--rate", "max", "--listen", "127.0.0.1:0", "--data-dir", str(parent / "up")]
    return {**times, "up": seconds([tillstream, *whole, *arguments])}


def measure(tillstream: str, parent: Path, arguments: list[str], runs: int) -> str:
    """A table of medians in seconds, and the whole against its slowest stage."""
    measured = [alone(tillstream, folder(parent, f"stages_{n}"), arguments) for n in range(runs)]
    medians = {step: median([times[step] for times in measured]) for step in measured[0]}
    slowest = max(medians[step] for step in ("produce", "consume", "train"))
    rows = [[step, f"{value:.2f}", f"{value / slowest:.2f}"] for step, value in medians.items()]
    return table(["whole processes", "seconds", "against the slowest stage"], rows)
