"""Resident memory of `up --once --rate max` by the number of lines."""

import os
import subprocess
import tempfile

from measure import table


def peak(tillstream: str, lines: int) -> tuple[float, float]:
    """Largest resident memory of a run over generated lines in MB, and its seconds of processor time."""
    with tempfile.TemporaryDirectory() as folder:
        command = [tillstream, "up", "--once", "--rate", "max", "--listen", "127.0.0.1:0"]
        command += ["--data-dir", folder, "--input", f"generate:{lines}"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"up ended with {process.returncode}")
    return usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def measure(tillstream: str, sizes: list[int]) -> str:
    """A table of the sizes."""
    rows = []
    for lines in sizes:
        megabytes, cpu = peak(tillstream, lines)
        rows.append([f"{lines:,}", f"{megabytes:.0f}", f"{cpu:.1f}"])
    return table(["generated lines", "largest resident memory, MB", "processor time, s"], rows)
