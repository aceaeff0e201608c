"""What the parts of the benchmark share: running a command, and medians."""

import resource
import statistics
import subprocess
import time
from pathlib import Path


def run(command: list[str]) -> str:
    """Standard output; an error that shows both streams when the command fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed:\n{(done.stdout + done.stderr).strip()}")
    return done.stdout


def seconds(command: list[str]) -> float:
    """Seconds of the whole process, its start included."""
    before = time.perf_counter()
    run(command)
    return time.perf_counter() - before


def processor_seconds() -> float:
    """Of all processes that were run so far and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def median(values: list[float]) -> float:
    return statistics.median(values)


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def folder(parent: Path, name: str) -> Path:
    """A new folder."""
    path = parent / name
    path.mkdir(parents=True)
    return path
