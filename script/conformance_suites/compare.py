"""Runs every suite against both brokers and prints what differs, as Markdown."""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import confluent
import foreign
import kafka_tools
import kcat
from differences import REASONS
from harness import Broker, Result, Results

Suite = Callable[[Broker], Results]


def suites(options: argparse.Namespace, folder: Path) -> dict[str, Suite]:
    smoke = options.smoke
    chosen: dict[str, Suite] = {
        "kafka-tools": lambda broker: kafka_tools.run(broker, options.jars, folder, smoke),
        "confluent-kafka": lambda broker: confluent.run(broker, smoke),
    }
    if not smoke:
        chosen["kcat"] = lambda broker: kcat.run(broker, smoke)
        chosen["franz-go"] = lambda broker: foreign.franz_go(broker, options.franz_go)
        chosen["kafka-python"] = lambda broker: foreign.kafka_python(
            broker, options.python, options.kafka_python, folder
        )
    if options.only:
        chosen = {name: suite for name, suite in chosen.items() if name in options.only}
    return chosen


def passed(results: Results) -> str:
    """How many passed of those that were not skipped."""
    counted = [result for result in results.values() if result.outcome != "skipped"]
    return f"{sum(result.outcome == 'passed' for result in counted)} of {len(counted)}"


def differences(theirs: Results, ours: Results) -> list[str]:
    """The checks with another outcome, or that passed with something else seen."""
    absent = Result("absent")
    names = list(theirs) + [name for name in ours if name not in theirs]
    pairs = [(name, theirs.get(name, absent), ours.get(name, absent)) for name in names]
    return [
        name
        for name, one, other in pairs
        if one.outcome != other.outcome or (one.outcome == "passed" and one.seen != other.seen)
    ]


def reason(suite: str, check: str) -> str | None:
    """Why a difference is known; of a test's subtests, that of the test."""
    known = REASONS.get(suite, {})
    return next((why for start, why in known.items() if check == start or check.startswith(f"{start}/")), None)


def cell(text: str) -> str:
    """Text that fits into a table."""
    return " ".join(text.replace("|", "\\|").split())[:300]


def shown(result: Result | None) -> str:
    if result is None:
        return "absent"
    return cell(f"{result.outcome}: {result.seen}" if result.seen else result.outcome)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kafka", required=True, help="HOST:PORT of Apache Kafka")
    parser.add_argument("--ours", required=True, help="HOST:PORT of the embedded broker")
    parser.add_argument("--jars", type=Path, required=True, help="folder of Kafka's jars")
    parser.add_argument("--franz-go", type=Path, help="the compiled tests of franz-go")
    parser.add_argument("--kafka-python", type=Path, help="the unpacked source of kafka-python")
    parser.add_argument("--python", type=Path, help="a Python that has kafka-python and pytest")
    parser.add_argument("--smoke", action="store_true", help="the quick checks alone")
    parser.add_argument("--only", action="append", help="this suite, and others so named")
    options = parser.parse_args()
    brokers = [Broker("kafka", options.kafka), Broker("ours", options.ours)]
    summary = ["| suite | passed on Kafka | passed on ours | differences |", "| --- | ---: | ---: | ---: |"]
    details = ["| suite | check | on Kafka | on ours | reason |", "| --- | --- | --- | --- | --- |"]
    unexplained = failed = counted = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, suite in suites(options, Path(folder)).items():
            started = time.monotonic()
            theirs, ours = (suite(broker) for broker in brokers)
            seconds = time.monotonic() - started
            print(f"{name}: {passed(theirs)} on Kafka, {passed(ours)} on ours, {seconds:.0f} s", flush=True)
            different = differences(theirs, ours)
            counted += len(theirs)
            summary.append(f"| {name} | {passed(theirs)} | {passed(ours)} | {len(different)} |")
            for check in different:
                why = reason(name, check)
                unexplained += why is None
                seen = f"{shown(theirs.get(check))} | {shown(ours.get(check))}"
                details.append(f"| {name} | {cell(check)} | {seen} | {why or '**not known**'} |")
            # A check of our own that fails on both says nothing about either.
            if name in ("kafka-tools", "confluent-kafka", "kcat"):
                both = [check for check in theirs.keys() - set(different) if theirs[check].outcome == "failed"]
                failed += len(both)
                for check in both:
                    details.append(f"| {name} | {cell(check)} | {shown(theirs[check])} | the same | fails on both |")
    print("\n".join(["", *summary, "", *details]))
    if unexplained or failed or not counted:
        raise SystemExit(f"{unexplained} differences without a reason, {failed} checks that fail on both")
    print(f"\nevery difference of {counted} checks has its reason")


if __name__ == "__main__":
    main()
