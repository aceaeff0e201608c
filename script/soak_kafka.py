"""Kills the producer, the consumers and Apache Kafka at random, again and again, while lines are streamed.

Whatever is killed (SIGKILL) is started again at once. In the end everything that was produced is stored, and
check_batches.py must find every line once.
"""

import argparse
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

TOPIC = "soak"
BROKER = "broker"
# Starting Apache Kafka again, or storing what is left, may take so long.
PATIENCE = 300
# Of a program that is started while Apache Kafka is down.
REFUSAL = "error: no Kafka broker answers"


class Program:
    """A process of tillstream that is started again when it was killed."""

    all: ClassVar[list["Program"]] = []

    def __init__(self, name: str, command: list[str], log: Path) -> None:
        self.name, self.command, self.log = name, command, log
        self.refused = 0
        self.all.append(self)
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=log)

    def has_ended(self) -> bool:
        """Whether it came to its end; one that failed ends everything, unless it found no broker at its start."""
        if self.process.poll() is None:
            return False
        if self.process.returncode == 1 and REFUSAL in self.tail(1):
            self.refused += 1
            self.start()
            return False
        self.expect_success()
        return True

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def finish(self, stop: bool = False) -> None:
        """Waits for its end, which it is told first if it does not come to one."""
        if stop:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)
        # One that has just started does not hear the signal yet, and is ended by it.
        if not (stop and self.process.returncode == -signal.SIGINT):
            self.expect_success()

    def expect_success(self) -> None:
        if self.process.returncode != 0:
            sys.exit(f"{self.tail(20)}\nerror: the {self.name} ended with {self.process.returncode}")

    def tail(self, lines: int) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def kafka(action: str, *arguments: str) -> str:
    # Not captured through a pipe: the broker that it starts would keep that open.
    return subprocess.run(
        ["script/kafka", action, *arguments], check=True, stdout=subprocess.PIPE, text=True, timeout=PATIENCE
    ).stdout.strip()


def soak(options: argparse.Namespace, brokers: str, folder: Path, where: list[str]) -> None:
    """Streams all lines while the rounds last, and stores what is left."""
    at = ["--brokers", brokers, "--topic", TOPIC, "--partitions", "6", "--data-dir"]
    produce = [options.tillstream, "produce", *at, str(folder / "producer"), "--rate", str(options.rate)]
    produce += ["--input", f"generate:{options.lines}"]
    consume = [options.tillstream, "consume", *at, str(folder / "data"), "--group", "soak", "--batch-size", "1000"]
    # The least that Apache Kafka allows: until then the partitions of a killed consumer are nobody's.
    consume += ["--kafka-property", "session.timeout.ms=6000"]
    producer = Program("producer", produce, folder / "producer.log")
    consumers = [
        Program(f"consumer {number}", [*consume, "--batch-interval", "1"], folder / f"consumer_{number}.log")
        for number in range(1, options.consumers + 1)
    ]
    chance = random.Random(options.seed)
    kills = dict.fromkeys(["producer", *(consumer.name for consumer in consumers), BROKER], 0)
    for number in range(1, options.rounds + 1):
        time.sleep(chance.uniform(0.1, 5))
        running = [program for program in [producer, *consumers] if not program.has_ended()]
        victim = chance.choice([*running, None])
        if victim is None:
            kafka("kill", "1", *where)
            kafka("resume", "1", *where)
            kills[BROKER] += 1
        else:
            victim.kill()
            victim.start()
            kills[victim.name] += 1
        if number % 10 == 0:
            print(f"{number} rounds: {kills}", flush=True)
    deadline = time.monotonic() + options.lines / options.rate + PATIENCE
    while not producer.has_ended():
        if time.monotonic() > deadline:
            sys.exit("error: the producer does not come to its end")
        time.sleep(0.2)
    for consumer in consumers:
        consumer.has_ended()
        consumer.finish(stop=True)
    Program("last consumer", [*consume, "--once"], folder / "last.log").finish()
    refused = sum(program.refused for program in Program.all)
    print(f"killed: {kills}; {refused} starts found no broker")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tillstream", required=True, help="the program")
    parser.add_argument("--folder", required=True, type=Path, help="where data and logs are put")
    parser.add_argument("--rounds", required=True, type=int, help="how often something is killed")
    parser.add_argument("--rate", type=int, default=2000, help="lines per second")
    parser.add_argument("--consumers", type=int, default=2, help="consumers of the group")
    parser.add_argument("--seed", type=int, default=1, help="of the victims and pauses")
    options = parser.parse_args()
    # As many as last for the rounds: one takes a second, and as long again for what was killed to come back.
    options.lines = options.rounds * 2 * options.rate
    where = ["--dir", str(options.folder / "kafka")]
    brokers = kafka("start", *where)
    try:
        soak(options, brokers, options.folder, where)
        check = [sys.executable, "script/check_batches.py", "--brokers", brokers, "--topic", TOPIC]
        check += ["--folder", str(options.folder / "data/batch"), "--lines", str(options.lines)]
        sys.exit(subprocess.run(check, check=False).returncode)
    finally:
        for program in Program.all:
            program.kill()
        kafka("stop", *where)


if __name__ == "__main__":
    main()
