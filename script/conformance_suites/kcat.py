"""kcat, which is librdkafka of Debian, on the command line."""

import json

from harness import Broker, Checks, Results, run_command

checks = Checks()


class Kcat:
    """kcat, pointed at one broker."""

    def __init__(self, broker: Broker) -> None:
        self.bootstrap = broker.bootstrap

    def run(self, *arguments: str, stdin: str = "") -> str:
        return run_command(["kcat", "-b", self.bootstrap, *arguments], stdin)

    def read(self, topic: str, form: str, *arguments: str) -> list[str]:
        """Everything in the topic, from the beginning to the end."""
        options = ["-C", "-q", "-t", topic, "-o", "beginning", "-e", "-f", form + "\\n"]
        return sorted(self.run(*options, *arguments).splitlines())


@checks.check("-P to a topic that is not there yet, -C")
def produce(kcat: Kcat) -> list:
    kcat.run("-P", "-t", "kcat", "-K", ":", "-H", "name=value", stdin="".join(f"k{n}:v{n}\n" for n in range(10)))
    return kcat.read("kcat", "%t %k %s %h %S %K")


for codec in ("gzip", "snappy", "lz4", "zstd"):

    @checks.check(f"-P -z {codec}")
    def produce_compressed(kcat: Kcat, codec: str = codec) -> list:
        topic = f"kcat-{codec}"
        kcat.run("-P", "-t", topic, "-z", codec, stdin="".join(f"{'x' * 100}{n}\n" for n in range(1000)))
        read = kcat.read(topic, "%o %s")
        return [len(read), read[:2], read[-1]]


@checks.check("-P -X enable.idempotence=true")
def produce_idempotent(kcat: Kcat) -> list:
    kcat.run("-P", "-t", "kcat-idempotent", "-X", "enable.idempotence=true", stdin="a\nb\nc\n")
    return kcat.read("kcat-idempotent", "%s")


@checks.check("-P -X acks=0")
def produce_unacknowledged(kcat: Kcat) -> list:
    kcat.run("-P", "-t", "kcat", "-p", "0", "-X", "acks=0", stdin="unacknowledged\n")
    return [line for line in kcat.read("kcat", "%s") if line.startswith("un")]


@checks.check("-P -Z: null values")
def produce_null(kcat: Kcat) -> list:
    kcat.run("-P", "-t", "kcat-null", "-Z", "-K", ":", stdin="gone:\n")
    return kcat.read("kcat-null", "%k %S")


@checks.check("-L -J")
def metadata(kcat: Kcat) -> list:
    listed = json.loads(kcat.run("-L", "-J", "-t", "kcat"))
    return [len(listed["brokers"]), listed["controllerid"], listed["topics"]]


@checks.check("-Q: offset of a timestamp")
def query(kcat: Kcat) -> list:
    return [kcat.run("-Q", "-t", f"kcat:0:{time}").strip() for time in ("-2", "1")]


@checks.check("-G: a group reads everything")
def group(kcat: Kcat) -> list:
    options = ["-q", "-e", "-X", "auto.offset.reset=earliest", "-f", "%k\\n", "kcat"]
    return sorted(kcat.run("-G", "kcat-group", *options).split())


@checks.check("-C -o -2: the last two")
def from_end(kcat: Kcat) -> str:
    return kcat.run("-C", "-q", "-e", "-t", "kcat", "-p", "0", "-o", "-2", "-f", "%s\\n")


@checks.check("-C -c 3 -o 4")
def from_offset(kcat: Kcat) -> str:
    return kcat.run("-C", "-q", "-t", "kcat", "-p", "0", "-o", "4", "-c", "3", "-f", "%o %s\\n")


@checks.check("-C beyond the end, auto.offset.reset=error")
def beyond_end(kcat: Kcat) -> str:
    try:
        kcat.run("-C", "-e", "-t", "kcat", "-p", "0", "-o", "1000000", "-X", "topic.auto.offset.reset=error")
    except RuntimeError as error:
        return str(error).split("ERROR: ")[-1]
    return "no error"


@checks.check("-C: unknown topic")
def unknown_topic(kcat: Kcat) -> str:
    try:
        kcat.run("-C", "-e", "-t", "kcat-absent", "-X", "allow.auto.create.topics=false")
    except RuntimeError as error:
        return str(error).split("ERROR: ")[-1]
    return "no error"


def run(broker: Broker, smoke: bool) -> Results:
    return checks.run(Kcat(broker), smoke)
