"""Producing and consuming beside kafka-python, confluent-kafka and Apache Kafka's own performance tools, on
Apache Kafka and on the embedded broker."""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import folder, median, run, seconds, table

TOOLS = "org.apache.kafka.tools"
RIVALS = Path(__file__).with_name("rival_clients.py")


@dataclass(frozen=True)
class Programs:
    """What is measured."""

    tillstream: str
    python: str
    jars: str


@dataclass(frozen=True)
class Work:
    """The real lines in the forms that the clients take: CSV, and the messages that they become."""

    csv: Path
    messages: Path
    lines: int


@contextmanager
def embedded_broker(tillstream: str, parent: Path):
    """The address of an embedded broker of its own process."""
    command = [tillstream, "broker", "--broker-listen", "127.0.0.1:0", "--data-dir", str(parent / "broker")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as broker:
        try:
            yield next(line for line in broker.stdout if line.startswith("Kafka broker: ")).split()[-1]
        finally:
            broker.terminate()
            broker.wait()


@contextmanager
def apache_kafka(parent: Path):
    """The address of an Apache Kafka of one node."""
    where = ["--dir", str(parent / "kafka")]
    try:
        yield run(["script/kafka", "start", *where]).strip()
    finally:
        run(["script/kafka", "stop", *where])


class Clients:
    """The clients at one broker. Every rate is in lines per second."""

    def __init__(self, programs: Programs, work: Work, brokers: str, parent: Path) -> None:
        self.programs, self.work, self.brokers, self.parent = programs, work, brokers, parent
        self.count = 0

    def topic(self) -> str:
        """A topic that nobody used."""
        self.count += 1
        return f"bench_{self.count}"

    def ours(self, command: str, topic: str, *arguments: str) -> float:
        """Of the whole process, its start included."""
        data = folder(self.parent, f"{command}_{self.count}")
        called = [self.programs.tillstream, command, "--brokers", self.brokers, "--topic", topic]
        rate = self.work.lines / seconds([*called, "--data-dir", str(data), *arguments])
        if command == "consume":
            manifests = (json.loads(path.read_text()) for path in (data / "batch").glob("batch_??????.json"))
            stored = sum(manifest["rows"] for manifest in manifests)
            if stored != self.work.lines:
                raise SystemExit(f"{stored} lines are stored, not {self.work.lines}")
        shutil.rmtree(data)
        return rate

    def rival(self, client: str, work: str, topic: str) -> float:
        """Of the work alone."""
        path = self.work.csv if work == "produce" else folder(self.parent, f"{client}_{self.count}")
        called = [self.programs.python, str(RIVALS), client, work, "--brokers", self.brokers]
        called += ["--topic", topic, "--path", str(path), "--lines", str(self.work.lines)]
        rate = self.work.lines / float(run(called))
        if work == "consume":
            shutil.rmtree(path)
        return rate

    def java(self, tool: str, *arguments: str) -> str:
        return run(["java", "-Dlog4j2.level=ERROR", "-cp", f"{self.programs.jars}/*", f"{TOOLS}.{tool}", *arguments])

    def producer_performance(self, topic: str) -> float:
        """As the tool reports it; batches as large as ours."""
        properties = [f"bootstrap.servers={self.brokers}", "acks=all", "compression.type=lz4"]
        properties += ["linger.ms=20", "batch.size=1000000", "buffer.memory=134217728"]
        report = self.java(
            "ProducerPerformance", "--topic", topic, "--num-records", str(self.work.lines), "--throughput", "-1",
            "--payload-file", str(self.work.messages), "--producer-props", *properties,
        )  # fmt: skip
        return float(re.findall(r"([\d.]+) records/sec", report)[-1])

    def consumer_performance(self, topic: str) -> float:
        """As the tool reports it, without the time to join the group."""
        report = self.java(
            "ConsumerPerformance", "--bootstrap-server", self.brokers, "--topic", topic,
            "--messages", str(self.work.lines), "--hide-header",
        )  # fmt: skip
        return float(report.splitlines()[-1].split(",")[-1])

    def measure(self) -> dict[str, float]:
        """Lines per second of every client, each once."""
        topic = self.topic()
        produced = self.ours("produce", topic, "--rate", "max", "--input", str(self.work.csv))
        return {
            "produce: tillstream": produced,
            "produce: ProducerPerformance": self.producer_performance(self.topic()),
            "produce: confluent-kafka": self.rival("confluent-kafka", "produce", self.topic()),
            "produce: kafka-python": self.rival("kafka-python", "produce", self.topic()),
            "consume: tillstream": self.ours("consume", topic, "--once"),
            "consume: ConsumerPerformance": self.consumer_performance(topic),
            "consume: confluent-kafka": self.rival("confluent-kafka", "consume", topic),
            "consume: kafka-python": self.rival("kafka-python", "consume", topic),
        }


def prepare(programs: Programs, parent: Path, arguments: list[str]) -> Work:
    """The lines as one CSV file and as messages, by way of the pipeline itself."""
    with embedded_broker(programs.tillstream, folder(parent, "prepare")) as brokers:
        called = ["--brokers", brokers, "--data-dir", str(parent / "prepare/data")]
        run([programs.tillstream, "produce", *called, "--rate", "max", *arguments])
        run([programs.tillstream, "consume", *called, "--once"])
        batches = sorted((parent / "prepare/data/batch").glob("batch_*.csv"))
        csv, messages, lines = parent / "lines.csv", parent / "messages.json", 0
        with csv.open("wb") as target:
            for number, batch in enumerate(batches):
                with batch.open("rb") as source:
                    header = source.readline()
                    if number == 0:
                        target.write(header)
                    for line in source:
                        target.write(line)
                        lines += 1
        dump = [programs.python, str(RIVALS), "confluent-kafka", "dump", "--brokers", brokers]
        run([*dump, "--topic", "retail_stream", "--path", str(messages), "--lines", str(lines)])
    return Work(csv, messages, lines)


def measure(programs: Programs, parent: Path, arguments: list[str], runs: int) -> str:
    """A table of medians, with the ratio of ours to each client, and of the brokers to each other."""
    work = prepare(programs, parent, arguments)
    rates: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    embedded = embedded_broker(programs.tillstream, folder(parent, "embedded"))
    with apache_kafka(parent) as kafka, embedded as ours:
        brokers = {
            "Apache Kafka": Clients(programs, work, kafka, folder(parent, "on_kafka")),
            "embedded": Clients(programs, work, ours, folder(parent, "on_embedded")),
        }
        # In turn, so that what else the machine does falls on all alike. The first time does not count: Apache
        # Kafka is still being compiled.
        for number in range(runs + 1):
            for broker, clients in brokers.items():
                for name, rate in clients.measure().items():
                    if number > 0:
                        rates[name][broker].append(rate)
    medians = {name: {broker: median(of) for broker, of in by.items()} for name, by in rates.items()}
    rows = []
    for name, by in medians.items():
        ours_at = medians[name.split(":")[0] + ": tillstream"]
        row = [name]
        for broker in ("Apache Kafka", "embedded"):
            row += [f"{by[broker]:,.0f}", f"{ours_at[broker] / by[broker]:.2f}"]
        rows.append([*row, f"{by['embedded'] / by['Apache Kafka']:.2f}"])
    header = ["lines a second", "Apache Kafka", "tillstream to it", "embedded", "tillstream to it"]
    return table([*header, "embedded to Apache Kafka"], rows)
