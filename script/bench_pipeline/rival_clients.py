"""The producer and consumer of the system that Tillstream replaces, on kafka-python or on confluent-kafka.

The producer sends every row of a CSV file as JSON, as fast as it can; the consumer writes batches of 10,000
lines as CSV files, flushed to disk, and commits their offsets. Prints the seconds of the work alone.
"""

import argparse
import csv
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

BATCH = 10_000


def rows(file: str) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of every message."""
    with open(file, encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            yield row["InvoiceNo"].encode(), json.dumps(row).encode()


def produce_kafka_python(brokers: str, topic: str, file: str) -> None:
    from kafka import KafkaProducer

    producer = KafkaProducer(
        bootstrap_servers=brokers, acks="all", compression_type="lz4", linger_ms=20, batch_size=1_000_000
    )
    failures = []
    for key, value in rows(file):
        producer.send(topic, value, key=key).add_errback(failures.append)
    producer.flush()
    producer.close()
    if failures:
        raise failures[0]


def produce_confluent(brokers: str, topic: str, file: str) -> None:
    from confluent_kafka import Producer

    producer = Producer(
        {
            "bootstrap.servers": brokers,
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 20,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 200_000,
        }
    )
    failures = []

    def delivered(error, message) -> None:
        if error is not None:
            failures.append(error)

    for key, value in rows(file):
        while True:
            try:
                producer.produce(topic, value, key, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    producer.flush()
    if failures:
        raise RuntimeError(failures[0])


class Batches:
    """Batches of lines in a folder."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.number = 0
        self.lines: list[dict] = []

    def add(self, value: bytes) -> bool:
        """Whether the line completed a batch."""
        self.lines.append(json.loads(value))
        return len(self.lines) == BATCH

    def store(self) -> None:
        if not self.lines:
            return
        self.number += 1
        with open(self.folder / f"batch_{self.number}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=self.lines[0])
            writer.writeheader()
            writer.writerows(self.lines)
            file.flush()
            os.fsync(file.fileno())
        self.lines.clear()


def consume_kafka_python(brokers: str, topic: str, folder: str, lines: int) -> None:
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(
        topic, bootstrap_servers=brokers, group_id=f"kafka-python-{topic}", auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=BATCH,
    )
    batches = Batches(folder)
    for seen, message in enumerate(consumer, 1):
        if batches.add(message.value) or seen == lines:
            batches.store()
            consumer.commit()
        if seen == lines:
            break
    consumer.close()


def consume_confluent(brokers: str, topic: str, folder: str, lines: int) -> None:
    from confluent_kafka import Consumer

    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": f"confluent-{topic}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    batches = Batches(folder)
    seen = 0
    while seen < lines:
        for message in consumer.consume(BATCH - len(batches.lines), 1.0):
            if message.error():
                raise RuntimeError(message.error())
            seen += 1
            if batches.add(message.value()) or seen == lines:
                batches.store()
                consumer.commit(asynchronous=False)
    consumer.close()


def dump_confluent(brokers: str, topic: str, file: str, lines: int) -> None:
    """Writes the messages of a topic to a file, one a line."""
    from confluent_kafka import Consumer

    consumer = Consumer(
        {"bootstrap.servers": brokers, "group.id": f"dump-{topic}", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    seen = 0
    with open(file, "wb") as target:
        while seen < lines:
            for message in consumer.consume(BATCH, 1.0):
                if message.error():
                    raise RuntimeError(message.error())
                seen += 1
                target.write(message.value() + b"\n")
    consumer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("client", choices=["kafka-python", "confluent-kafka"])
    parser.add_argument("work", choices=["produce", "consume", "dump"])
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--path", required=True, help="the CSV file, the folder of batches, the file to write")
    parser.add_argument("--lines", type=int, help="how many lines the topic holds")
    options = parser.parse_args()
    before = time.perf_counter()
    where = (options.brokers, options.topic, options.path)
    match options.client, options.work:
        case "kafka-python", "produce":
            produce_kafka_python(*where)
        case "confluent-kafka", "produce":
            produce_confluent(*where)
        case "kafka-python", "consume":
            consume_kafka_python(*where, options.lines)
        case "confluent-kafka", "consume":
            consume_confluent(*where, options.lines)
        case _:
            dump_confluent(*where, options.lines)
    print(time.perf_counter() - before)


if __name__ == "__main__":
    main()
