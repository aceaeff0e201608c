"""What the suites share: the broker under test, checks, and their results."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Broker:
    """A broker under test, freshly started, so that every suite may use fixed names."""

    name: str
    bootstrap: str


@dataclass(frozen=True)
class Result:
    """The outcome of one check, and what a client saw: equal outcomes may still differ in it."""

    outcome: str  # passed, failed or skipped
    seen: str = ""


Results = dict[str, Result]


class Checks:
    """Checks that run in order; a later one may build on what an earlier one left in the broker."""

    def __init__(self) -> None:
        self._checks: list[tuple[str, bool, Callable[..., object]]] = []

    def check(self, name: str, smoke: bool = False) -> Callable[[Callable[..., object]], Callable[..., object]]:
        """Registers a function of the client; what it returns is what was seen."""

        def register(function: Callable[..., object]) -> Callable[..., object]:
            self._checks.append((name, smoke, function))
            return function

        return register

    def run(self, client: object, smoke: bool) -> Results:
        results = {}
        for name, in_smoke, function in self._checks:
            if smoke and not in_smoke:
                continue
            try:
                results[name] = Result("passed", str(function(client)))
            except Exception as error:  # Whatever goes wrong is this check's result.
                results[name] = Result("failed", f"{type(error).__name__}: {error}")
        return results


def run_command(command: list[str], stdin: str = "", timeout: float = 60, cwd: Path | None = None) -> str:
    """Standard output; an error that shows both streams when the command fails."""
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=timeout, cwd=cwd, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"exit code {done.returncode}: {(done.stdout + done.stderr).strip()}")
    return done.stdout
