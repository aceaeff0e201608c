"""Test suites of other projects, run as they are: franz-go's and kafka-python's."""

import json
import os
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from harness import Broker, Result, Results

# What the brokers are asked to do in one test, against 500,000 in franz-go's own CI of three brokers.
FRANZ_GO_RECORDS = "50000"
KAFKA_VERSION = "4.1.1"
OUTCOMES = {"pass": "passed", "fail": "failed", "skip": "skipped"}


def franz_go(broker: Broker, program: Path) -> Results:
    """The tests of package kgo, of which subtests count as tests."""
    environment = os.environ | {
        "KGO_SEEDS": broker.bootstrap,
        "KGO_TEST_RF": "1",
        "KGO_TEST_RECORDS": FRANZ_GO_RECORDS,
        "KGO_LOG_LEVEL": "none",
    }
    command = ["go", "tool", "test2json", str(program), "-test.v=test2json", "-test.timeout=300s"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    results: Results = {}
    output: dict[str, list[str]] = {}
    for event in map(json.loads, filter(None, done.stdout.splitlines())):
        test = event.get("Test")
        if test is None:
            continue
        if event["Action"] == "output":
            output.setdefault(test, []).append(event["Output"].strip())
        elif event["Action"] in OUTCOMES:
            failed = event["Action"] == "fail"
            because = next((line for line in output.get(test, []) if "_test.go:" in line), "")
            results[test] = Result(OUTCOMES[event["Action"]], because if failed else "")
    for test in output.keys() - results.keys():
        results[test] = Result("failed", "it did not end")
    return results


def kafka_python(broker: Broker, python: Path, source: Path, folder: Path) -> Results:
    """The integration tests, without those that start brokers of their own for TLS and SASL."""
    environment = os.environ | {
        "PYTHONPATH": str(source),
        "KAFKA_VERSION": KAFKA_VERSION,
        "KAFKA_URI": f"kafka://{broker.bootstrap}",
        # Only looked at for being there.
        "KAFKA_ROOT": str(source),
    }
    report = folder / f"kafka-python-{broker.name}.xml"
    tests = [f"test/integration/test_{part}_integration.py" for part in ("admin", "consumer", "producer")]
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml", str(report)]
    command += ["--timeout", "60", "--timeout-method", "signal", *tests]
    subprocess.run(command, cwd=source, env=environment, capture_output=True, check=False)
    results: Results = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        fault = next((child for child in case if child.tag in ("failure", "error")), None)
        if fault is not None:
            lines = fault.get("message", "").splitlines() or [""]
            results[case.get("name", "")] = Result("failed", lines[0])
        elif case.find("skipped") is not None:
            results[case.get("name", "")] = Result("skipped")
        else:
            results[case.get("name", "")] = Result("passed")
    return results
