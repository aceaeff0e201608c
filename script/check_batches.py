"""Checks from the outside that the batches of a folder hold what a topic holds, every line once.

It shares nothing with the program: it reads the topic with confluent-kafka, and the manifests and CSV files as
they lie there.

- The manifests are numbered from 1 without a gap, and each names the hash of the one before.
- The offsets that they cover follow one another in every partition, from the first to the last that it holds.
- The rows of every batch file are the messages at its offsets, without those that repeat a line of their source.
- With --lines N, the lines of the one source are 1 to N, each once.
"""

import argparse
import csv
import io
import json
import sys
from collections import Counter
from pathlib import Path

from blake3 import blake3
from confluent_kafka import Consumer, TopicPartition

FIELDS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]


class Wrong(Exception):
    """What does not hold."""


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Wrong(otherwise)


def row_of(fields: dict) -> tuple:
    """A line, as it compares whether it comes from JSON or from CSV."""
    text = {name: str(fields[name] if fields[name] is not None else "") for name in FIELDS}
    return tuple(
        float(text[name]) if name in ("Quantity", "UnitPrice") else text[name] for name in FIELDS
    )


def read_topic(brokers: str, topic: str) -> tuple[dict, dict]:
    """The messages of every partition by offset, as (source, line, row), and the first and last offset."""
    consumer = Consumer(
        {"bootstrap.servers": brokers, "group.id": "check-batches", "enable.partition.eof": False}
    )
    partitions = sorted(consumer.list_topics(topic, 30).topics[topic].partitions)
    ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), 30) for p in partitions}
    messages: dict[int, dict[int, tuple]] = {p: {} for p in partitions}
    consumer.assign([TopicPartition(topic, p, low) for p, (low, _) in ends.items()])
    missing = sum(high - low for low, high in ends.values())
    while missing > 0:
        got = consumer.consume(10_000, 30)
        expect(bool(got), f"the topic does not give its last {missing} messages")
        for message in got:
            expect(message.error() is None, str(message.error()))
            if message.offset() >= ends[message.partition()][1]:
                continue
            headers = dict(message.headers() or [])
            origin = (headers["source"].decode(), int(headers["line"]))
            row = row_of(json.loads(message.value()))
            messages[message.partition()][message.offset()] = (*origin, row)
            missing -= 1
    consumer.close()
    return messages, ends


def read_manifests(folder: Path) -> list[dict]:
    """All manifests, in order."""
    manifests: list[dict] = []
    previous = None
    for path in sorted(folder.glob("batch_??????.json")):
        manifest = json.loads(path.read_bytes())
        number = len(manifests) + 1
        expect(manifest["number"] == number, f"{path.name} has number {manifest['number']}, not {number}")
        expect(manifest["previous"] == previous, f"{path.name} does not name the manifest before it")
        previous = blake3(path.read_bytes()).hexdigest()
        manifests.append(manifest)
    return manifests


def check_offsets(manifests: list[dict], ends: dict) -> None:
    """Every offset is covered once."""
    next_offsets = {partition: low for partition, (low, _) in ends.items()}
    for manifest in manifests:
        for covered in manifest["partitions"]:
            partition, expected = covered["partition"], next_offsets[covered["partition"]]
            expect(
                covered["first"] == expected,
                f"batch {manifest['number']} begins at {covered['first']} of partition {partition}, not at {expected}",
            )
            next_offsets[partition] = covered["last"] + 1
    for partition, (_, high) in ends.items():
        expect(
            next_offsets[partition] == high,
            f"partition {partition} is stored up to {next_offsets[partition]} of {high}",
        )


def check_rows(folder: Path, manifests: list[dict], messages: dict) -> Counter:
    """The rows are those of the messages; gives how often every line of every source is stored."""
    lines: Counter = Counter()
    newest: dict[tuple[int, str], int] = {}
    for manifest in manifests:
        rows = Counter()
        for covered in manifest["partitions"]:
            partition = covered["partition"]
            for offset in range(covered["first"], covered["last"] + 1):
                source, line, row = messages[partition][offset]
                if line <= newest.get((partition, source), 0):
                    continue
                newest[partition, source] = line
                lines[source, line] += 1
                rows[row] += 1
        content = (folder / manifest["file"]).read_bytes()
        expect(blake3(content).hexdigest() == manifest["blake3"], f"{manifest['file']} has another checksum")
        fields = csv.DictReader(io.StringIO(content.decode(), newline=""))
        stored = Counter(map(row_of, fields))
        expect(stored == rows, f"the rows of batch {manifest['number']} are not those of the messages")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--folder", required=True, type=Path, help="the folder of the batches")
    parser.add_argument("--lines", type=int, help="how many lines were produced")
    options = parser.parse_args()
    try:
        messages, ends = read_topic(options.brokers, options.topic)
        manifests = read_manifests(options.folder)
        check_offsets(manifests, ends)
        lines = check_rows(options.folder, manifests, messages)
        if options.lines is not None:
            expect(len({source for source, _ in lines}) == 1, "there is more than one source")
            expect(
                sorted(line for _, line in lines.elements()) == list(range(1, options.lines + 1)),
                f"the stored lines are not 1 to {options.lines}, each once",
            )
    except Wrong as wrong:
        sys.exit(f"error: {wrong}")
    messages = sum(high - low for low, high in ends.values())
    print(f"{lines.total()} lines in {len(manifests)} batches, each once; {messages} messages")


if __name__ == "__main__":
    main()
