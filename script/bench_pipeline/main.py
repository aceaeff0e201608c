"""Measures the pipeline: partitions, overlap of the stages, memory, and rivals on both brokers."""

import argparse
import tempfile
from pathlib import Path

import clients
import memory
import partitions
import stages

PARTS = ["partitions", "stages", "memory", "clients"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tillstream", required=True, help="the program")
    parser.add_argument("--python", help="a Python that has the rivals; without it they are left out")
    parser.add_argument("--jars", help="the folder of Apache Kafka's jars")
    parser.add_argument("--only", action="append", choices=PARTS, help="only this part")
    parser.add_argument("--lines", type=int, default=5_000_000, help="most lines that memory is measured with")
    parser.add_argument("--smoke", action="store_true", help="little input, once")
    parser.add_argument("--output", help="write the tables to this file as well")
    options = parser.parse_args()
    arguments = ["--input", "generate:20000"] if options.smoke else []
    runs = 1 if options.smoke else 3
    texts = []
    with tempfile.TemporaryDirectory() as parent:
        for part in options.only or PARTS:
            match part:
                case "partitions":
                    text = partitions.measure(options.tillstream, arguments, runs)
                case "stages":
                    text = stages.measure(options.tillstream, Path(parent), arguments, runs)
                case "memory":
                    sizes = [20_000] if options.smoke else [500_000, options.lines]
                    text = memory.measure(options.tillstream, sizes)
                case _ if options.python and options.jars:
                    programs = clients.Programs(options.tillstream, options.python, options.jars)
                    text = clients.measure(programs, Path(parent), arguments, runs)
                case _:
                    continue
            texts.append(text)
            print(text, end="\n\n", flush=True)
    if options.output:
        Path(options.output).write_text("\n\n".join(texts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
