"""Kills the producer, the consumers and the broker at random, again and again, while lines are streamed.

Whatever is killed (SIGKILL) is started again at once. With --outage the broker alone is killed, once, and is gone
for so long: nothing else may end meanwhile. In the end everything that was produced is stored, and check_batches.py
must find every line once.
"""

import argparse
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

TOPIC = "soak"
BROKER = "broker"
# Starting the broker again, or storing what is left, may take so long.
PATIENCE = 300
# Lines that the producer holds at most while there is no broker.
PRODUCER_QUEUE = 200_000
# Of a program that is started while the broker is down.
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
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        # One that has just started does not hear the signal yet, and is ended by it.
        if not (stop and self.process.returncode == -signal.SIGTERM):
            self.expect_success()

    def expect_success(self) -> None:
        if self.process.returncode != 0:
            sys.exit(f"{self.tail(20)}\nerror: the {self.name} ended with {self.process.returncode}")

    def tail(self, lines: int) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class ApacheKafka:
    """One broker of Apache Kafka."""

    def __init__(self, folder: Path) -> None:
        self.where = ["--dir", str(folder / "kafka")]
        self.address = self.script("start")

    def script(self, action: str, *arguments: str) -> str:
        # Not captured through a pipe: the broker that it starts would keep that open.
        return subprocess.run(
            ["script/kafka", action, *arguments, *self.where],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
        ).stdout.strip()

    def kill(self) -> None:
        self.script("kill", "1")

    def resume(self) -> None:
        self.script("resume", "1")

    def stop(self) -> None:
        self.script("stop")


class EmbeddedBroker:
    """The broker of Tillstream, as a process of its own."""

    def __init__(self, tillstream: str, folder: Path) -> None:
        # Below the ports that the system gives to clients, one of which could take it while the broker is gone.
        for port in random.Random().sample(range(10_000, 20_000), 100):
            if not self.answers(port):
                break
        self.port, self.address = port, f"127.0.0.1:{port}"
        self.command = [tillstream, "broker", "--data-dir", str(folder / "broker")]
        self.command += ["--broker-listen", self.address]
        self.log = folder / "broker.log"
        self.resume()

    @staticmethod
    def answers(port: int) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", port)) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def resume(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=log)
        wait_until("the broker answers", lambda: self.answers(self.port))

    def stop(self) -> None:
        self.kill()


def wait_until(what: str, holds: Callable[[], bool], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"error: it did not come to pass that {what}")
        time.sleep(0.2)


class Pipeline:
    """A producer and a group of consumers."""

    def __init__(self, options: argparse.Namespace, brokers: str) -> None:
        self.folder: Path = options.folder
        at = ["--brokers", brokers, "--topic", TOPIC, "--partitions", "6", "--data-dir"]
        produce = [options.tillstream, "produce", *at, str(self.folder / "producer")]
        produce += ["--rate", str(options.rate), "--input", f"generate:{options.lines}"]
        self.consume = [options.tillstream, "consume", *at, str(self.folder / "data"), "--group", "soak"]
        self.consume += ["--batch-size", "1000"]
        # The least that Apache Kafka allows: until then the partitions of a killed consumer are nobody's.
        self.consume += ["--kafka-property", "session.timeout.ms=6000"]
        self.patience = options.lines / options.rate + PATIENCE
        self.producer = Program("producer", produce, self.folder / "producer.log")
        self.consumers = [
            Program(
                f"consumer {number}",
                [*self.consume, "--batch-interval", "1"],
                self.folder / f"consumer_{number}.log",
            )
            for number in range(1, options.consumers + 1)
        ]

    def programs(self) -> list[Program]:
        return [self.producer, *self.consumers]

    def batches(self) -> int:
        return sum(1 for _ in (self.folder / "data/batch").glob("batch_??????.json"))

    def finish(self) -> None:
        """Lets the producer come to its end, and what is left be stored."""
        wait_until("the producer comes to its end", self.producer.has_ended, self.patience)
        for consumer in self.consumers:
            consumer.has_ended()
            consumer.finish(stop=True)
        Program("last consumer", [*self.consume, "--once"], self.folder / "last.log").finish()


def soak(options: argparse.Namespace, broker: ApacheKafka | EmbeddedBroker) -> None:
    """Streams all lines while the rounds last, and stores what is left."""
    print(f"{options.rounds} rounds, seed {options.seed}", flush=True)
    pipeline = Pipeline(options, broker.address)
    chance = random.Random(options.seed)
    kills = dict.fromkeys([*(program.name for program in pipeline.programs()), BROKER], 0)
    for number in range(1, options.rounds + 1):
        time.sleep(chance.uniform(0.1, 5))
        running = [program for program in pipeline.programs() if not program.has_ended()]
        victim = chance.choice([*running, None])
        if victim is None:
            broker.kill()
            broker.resume()
            kills[BROKER] += 1
        else:
            victim.kill()
            victim.start()
            kills[victim.name] += 1
        if number % 10 == 0:
            print(f"{number} rounds: {kills}", flush=True)
    pipeline.finish()
    refused = sum(program.refused for program in Program.all)
    print(f"killed: {kills}; {refused} starts found no broker")


def outage(options: argparse.Namespace, broker: ApacheKafka | EmbeddedBroker) -> None:
    """Streams all lines, the broker being gone for a while."""
    pipeline = Pipeline(options, broker.address)
    wait_until("some batches are stored", lambda: pipeline.batches() >= 5)
    broker.kill()
    print(f"the broker is gone for {options.outage:g} s, after {pipeline.batches()} batches", flush=True)
    until = time.monotonic() + options.outage
    while time.monotonic() < until:
        time.sleep(min(1, options.outage))
        for program in pipeline.programs():
            if program.process.poll() is not None:
                sys.exit(f"{program.tail(20)}\nerror: the {program.name} ended while there was no broker")
    before = pipeline.batches()
    broker.resume()
    resumed = time.monotonic()
    wait_until("batches are stored again", lambda: pipeline.batches() > before)
    print(f"the next batch is stored {time.monotonic() - resumed:.1f} s after the broker answers", flush=True)
    pipeline.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tillstream", required=True, help="the program")
    parser.add_argument("--folder", required=True, type=Path, help="where data and logs are put")
    parser.add_argument("--rounds", type=int, default=200, help="how often something is killed")
    parser.add_argument("--outage", type=float, help="kill the broker alone, and let it be gone for so many seconds")
    parser.add_argument("--broker", choices=["apache", "embedded"], default="apache")
    parser.add_argument("--rate", type=int, default=2000, help="lines per second")
    parser.add_argument("--consumers", type=int, default=2, help="consumers of the group")
    parser.add_argument("--seed", type=int, default=1, help="of the victims and pauses")
    options = parser.parse_args()
    if options.outage is None:
        # As many as last for the rounds: one takes a second, and as long again for what was killed to come back.
        options.lines = options.rounds * 2 * options.rate
    else:
        # More than the producer holds, so that it waits, and some before and after.
        options.lines = 20 * options.rate + min(int(options.outage * options.rate), PRODUCER_QUEUE * 3 // 2)
    if options.broker == "apache":
        broker = ApacheKafka(options.folder)
    else:
        broker = EmbeddedBroker(options.tillstream, options.folder)
    try:
        if options.outage is None:
            soak(options, broker)
        else:
            outage(options, broker)
        check = [sys.executable, "script/check_batches.py", "--brokers", broker.address, "--topic", TOPIC]
        check += ["--folder", str(options.folder / "data/batch"), "--lines", str(options.lines)]
        sys.exit(subprocess.run(check, check=False).returncode)
    finally:
        for program in Program.all:
            program.kill()
        broker.stop()


if __name__ == "__main__":
    main()
