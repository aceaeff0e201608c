"""Apache Kafka's own command line tools and the clients of its system tests."""

import json
import re
from collections import Counter
from pathlib import Path

from harness import Broker, Checks, Results, run_command

checks = Checks()
TOOLS = "org.apache.kafka.tools"
MESSAGES = 1000


class Tools:
    """The tools' jars, pointed at one broker."""

    def __init__(self, broker: Broker, jars: Path, folder: Path) -> None:
        self.bootstrap = broker.bootstrap
        self.folder = folder
        # What starts fastest: most tools run for less than a second.
        self.java = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-Dlog4j2.level=ERROR"]
        self.java += ["-cp", f"{jars}/*"]

    def run(self, tool: str, *arguments: str, stdin: str = "") -> str:
        command = [*self.java, tool, "--bootstrap-server", self.bootstrap, *arguments]
        return run_command(command, stdin)

    def topics(self, *arguments: str) -> str:
        return self.run(f"{TOOLS}.TopicCommand", *arguments)

    def groups(self, *arguments: str) -> str:
        return self.run(f"{TOOLS}.consumer.group.ConsumerGroupCommand", *arguments)

    def configs(self, *arguments: str) -> str:
        return self.run("kafka.admin.ConfigCommand", *arguments)

    def file(self, name: str, content: str) -> str:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return str(path)


def columns(table: str, *wanted: str) -> list[tuple[str, ...]]:
    """The wanted columns of a table that a tool printed, its rows sorted."""
    lines = [line.split() for line in table.splitlines() if line.strip()]
    header = next(line for line in lines if wanted[0] in line)
    rows = lines[lines.index(header) + 1 :]
    return sorted(tuple(row[header.index(name)] for name in wanted) for row in rows)


def found_in(error: Exception, pattern: str) -> str:
    """The part of an error that the pattern finds; another error is passed on."""
    found = re.search(pattern, str(error))
    if found is None:
        raise error
    return found.group()


def events(output: str) -> list[dict]:
    """The JSON lines that the verifiable clients print."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


@checks.check("kafka-topics --create", smoke=True)
def create(tools: Tools) -> str:
    settings = ["--config", "retention.ms=86400000", "--config", "segment.bytes=1048576"]
    return tools.topics("--create", "--topic", "tools", "--partitions", "3", *settings)


@checks.check("kafka-topics --create: a topic that exists", smoke=True)
def create_again(tools: Tools) -> str:
    try:
        return tools.topics("--create", "--topic", "tools", "--partitions", "3")
    except RuntimeError as error:
        return found_in(error, r"Topic 'tools' already exists")


@checks.check("kafka-topics --create --if-not-exists")
def create_if_absent(tools: Tools) -> str:
    return tools.topics("--create", "--if-not-exists", "--topic", "tools", "--partitions", "3")


@checks.check("kafka-topics --describe", smoke=True)
def describe(tools: Tools) -> list:
    output = tools.topics("--describe", "--topic", "tools")
    settings = re.search(r"Configs: (\S*)", output).group(1).split(",")
    # `script/kafka` sets min.insync.replicas for all topics.
    settings = sorted(setting for setting in settings if not setting.startswith("min.insync"))
    partitions = re.findall(r"Partition: (\d+)\s+Leader: (\d+)\s+Replicas: (\d+)\s+Isr: (\d+)", output)
    return [re.search(r"PartitionCount: \d+\s+ReplicationFactor: \d+", output).group(), settings, partitions]


@checks.check("kafka-topics --describe: eligible leader replicas")
def describe_eligible_leaders(tools: Tools) -> list:
    return re.findall(r"Elr: ?(\S*)\s+LastKnownElr: ?(\S*)", tools.topics("--describe", "--topic", "tools"))


@checks.check("kafka-topics --describe: unknown topic")
def describe_unknown(tools: Tools) -> str:
    try:
        return tools.topics("--describe", "--topic", "absent")
    except RuntimeError as error:
        return found_in(error, r"Topic 'absent' does not exist as expected")
    return "no error"


@checks.check("kafka-topics --alter --partitions", smoke=True)
def add_partitions(tools: Tools) -> str:
    tools.topics("--create", "--topic", "grows", "--partitions", "1")
    tools.topics("--alter", "--topic", "grows", "--partitions", "4")
    return re.search(r"PartitionCount: \d+", tools.topics("--describe", "--topic", "grows")).group()


@checks.check("kafka-topics --list", smoke=True)
def list_topics(tools: Tools) -> list:
    return [name for name in tools.topics("--list", "--exclude-internal").split() if name in ("tools", "grows")]


@checks.check("kafka-topics --delete", smoke=True)
def delete(tools: Tools) -> bool:
    tools.topics("--delete", "--topic", "grows")
    return "grows" in tools.topics("--list").split()


@checks.check("VerifiableProducer, acks=all", smoke=True)
def verifiable_producer(tools: Tools) -> list:
    arguments = ["--topic", "tools", "--max-messages", str(MESSAGES), "--acks", "-1"]
    output = tools.run(f"{TOOLS}.VerifiableProducer", *arguments)
    counted = Counter(event["name"] for event in events(output))
    summary = next(event for event in events(output) if event["name"] == "tool_data")
    assert summary["acked"] == MESSAGES, summary
    return [counted["producer_send_success"], counted["producer_send_error"], summary["sent"]]


def consume(tools: Tools, group: str, *arguments: str) -> list:
    options = ["--topic", "tools", "--group-id", group, "--max-messages", str(MESSAGES)]
    output = tools.run(f"{TOOLS}.VerifiableConsumer", *options, "--reset-policy", "earliest", *arguments)
    happened = events(output)
    count = sum(event["count"] for event in happened if event["name"] == "records_consumed")
    assert count == MESSAGES, count
    commits = {event["success"] for event in happened if event["name"] == "offsets_committed"}
    assigned = [len(event["partitions"]) for event in happened if event["name"] == "partitions_assigned"]
    return [count, commits, assigned]


@checks.check("VerifiableConsumer", smoke=True)
def verifiable_consumer(tools: Tools) -> list:
    return consume(tools, "tools-group")


@checks.check("VerifiableConsumer: static member")
def verifiable_consumer_static(tools: Tools) -> list:
    return consume(tools, "tools-static", "--group-instance-id", "one")


@checks.check("VerifiableConsumer: cooperative assignor")
def verifiable_consumer_cooperative(tools: Tools) -> list:
    assignor = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"
    return consume(tools, "tools-cooperative", "--assignment-strategy", assignor)


@checks.check("VerifiableConsumer: group protocol of KIP-848")
def verifiable_consumer_848(tools: Tools) -> list:
    return consume(tools, "tools-848", "--group-protocol", "consumer")


@checks.check("kafka-groups --list, by protocol")
def list_all_groups(tools: Tools) -> list:
    output = tools.run(f"{TOOLS}.GroupsCommand", "--list", "--consumer")
    return [row for row in columns(output, "GROUP", "TYPE") if row[0] in ("tools-group", "tools-848")]


@checks.check("kafka-consumer-groups --describe: group protocol of KIP-848")
def describe_modern_group(tools: Tools) -> list:
    rows = columns(tools.groups("--describe", "--group", "tools-848"), "TOPIC", "LAG", "CONSUMER-ID")[:1]
    state = tools.groups("--describe", "--group", "tools-848", "--state", "--verbose")
    rows += [tuple(line.split()[-4:]) for line in state.splitlines() if line.startswith("tools-848")]
    return rows


@checks.check("kafka-get-offsets", smoke=True)
def get_offsets(tools: Tools) -> int:
    output = tools.run(f"{TOOLS}.GetOffsetShell", "--topic", "tools")
    ends = [int(line.split(":")[2]) for line in output.split()]
    assert len(ends) == 3, output
    return sum(ends)


@checks.check("kafka-get-offsets --time: earliest, latest, max-timestamp")
def get_offsets_by_time(tools: Tools) -> list:
    seen = []
    for time in ("earliest", "latest", "max-timestamp"):
        output = tools.run(f"{TOOLS}.GetOffsetShell", "--topic", "tools", "--time", time)
        seen.append((time, len(output.split())))
    return seen


@checks.check("kafka-consumer-groups --list", smoke=True)
def list_groups(tools: Tools) -> list:
    return sorted(name for name in tools.groups("--list").split() if name == "tools-group")


@checks.check("kafka-consumer-groups --list --state")
def list_groups_with_state(tools: Tools) -> list:
    output = tools.groups("--list", "--state", "--type")
    return [row for row in columns(output, "GROUP", "TYPE", "STATE") if row[0] == "tools-group"]


@checks.check("kafka-consumer-groups --describe", smoke=True)
def describe_group(tools: Tools) -> list:
    rows = columns(tools.groups("--describe", "--group", "tools-group"), "TOPIC", "LAG", "CONSUMER-ID")
    assert {row[1] for row in rows} == {"0"}, rows
    return rows[:1]


@checks.check("kafka-consumer-groups --describe --state")
def describe_group_state(tools: Tools) -> list:
    output = tools.groups("--describe", "--group", "tools-group", "--state")
    rows = [line.split() for line in output.splitlines() if line.startswith("tools-group")]
    return [(row[0], *row[-2:]) for row in rows]


@checks.check("kafka-consumer-groups --describe: unknown group")
def describe_unknown_group(tools: Tools) -> str:
    return tools.groups("--describe", "--group", "absent").strip()


@checks.check("kafka-consumer-groups --reset-offsets", smoke=True)
def reset_offsets(tools: Tools) -> list:
    options = ["--group", "tools-group", "--reset-offsets", "--to-earliest", "--topic", "tools", "--execute"]
    return columns(tools.groups(*options), "GROUP", "PARTITION", "NEW-OFFSET")


@checks.check("kafka-consumer-groups --delete-offsets")
def delete_offsets(tools: Tools) -> str:
    return tools.groups("--group", "tools-group", "--delete-offsets", "--topic", "tools:0")


@checks.check("kafka-consumer-groups --delete", smoke=True)
def delete_group(tools: Tools) -> list:
    output = tools.groups("--delete", "--group", "tools-group")
    return [output.strip(), "tools-group" in tools.groups("--list").split()]


@checks.check("kafka-configs --describe a topic", smoke=True)
def describe_configs(tools: Tools) -> list:
    output = tools.configs("--entity-type", "topics", "--entity-name", "tools", "--describe")
    names = ("retention.ms", "segment.bytes")
    return sorted(found for found in re.findall(r"^\s+(\S+=\S+)", output, re.M) if found.startswith(names))


@checks.check("kafka-configs --describe --all: what is set, by source")
def describe_all_configs(tools: Tools) -> list:
    output = tools.configs("--entity-type", "topics", "--entity-name", "tools", "--describe", "--all")
    names = r"retention\.ms|retention\.bytes|segment\.bytes|cleanup\.policy|compression\.type|message\.timestamp\.type"
    lines = re.findall(rf"^\s+((?:{names})=\S+ sensitive=\w+) synonyms=\{{(\w*)", output, re.M)
    # The default of segment.bytes is smaller in the embedded broker, but this topic has its own.
    return sorted(lines)


@checks.check("kafka-configs --alter a topic")
def alter_configs(tools: Tools) -> list:
    entity = ["--entity-type", "topics", "--entity-name", "tools"]
    tools.configs(*entity, "--alter", "--add-config", "retention.ms=3600000")
    return re.findall(r"retention\.ms=\d+", tools.configs(*entity, "--describe"))[:1]


@checks.check("kafka-configs --describe the broker")
def describe_broker(tools: Tools) -> list:
    output = tools.configs("--entity-type", "brokers", "--entity-name", "1", "--describe", "--all")
    names = r"log\.retention\.bytes|num\.partitions|auto\.create\.topics\.enable"
    return sorted(set(re.findall(rf"^\s+((?:{names})=\S+)", output, re.M)))


@checks.check("kafka-topics --create: compacted, and kafka-configs --alter its policy", smoke=True)
def compacted_topic(tools: Tools) -> list:
    settings = ["--config", "cleanup.policy=compact", "--config", "max.message.bytes=2000"]
    tools.topics("--create", "--topic", "compacted-tools", *settings)
    entity = ["--entity-type", "topics", "--entity-name", "compacted-tools"]
    tools.configs(*entity, "--alter", "--add-config", "cleanup.policy=[compact,delete],min.compaction.lag.ms=5")
    return sorted(re.findall(r"^\s+((?:cleanup|max\.message|min\.comp)\S+=\S+)", tools.configs(*entity, "--describe"), re.M))


@checks.check("VerifiableProducer and a message without a key on a compacted topic")
def compacted_without_key(tools: Tools) -> list:
    output = tools.run(f"{TOOLS}.VerifiableProducer", "--topic", "compacted-tools", "--max-messages", "5", "--acks", "-1")
    return sorted({(event["name"], event.get("exception")) for event in events(output) if "error" in event["name"]})


@checks.check("kafka-console-producer and -consumer", smoke=True)
def console(tools: Tools) -> list:
    tools.topics("--create", "--topic", "console", "--partitions", "1")
    lines = "".join(f"h:{n}\tkey{n}\tvalue {n}\n" for n in range(20))
    properties = ["--property", "parse.key=true", "--property", "parse.headers=true"]
    tools.run(f"{TOOLS}.ConsoleProducer", "--topic", "console", *properties, stdin=lines)
    printed = [f"print.{what}=true" for what in ("key", "headers", "offset", "partition")]
    options = [word for setting in printed for word in ("--property", setting)]
    consumer = ["--topic", "console", "--from-beginning", "--max-messages", "20", *options]
    return sorted(tools.run(f"{TOOLS}.consumer.ConsoleConsumer", *consumer).splitlines())


@checks.check("kafka-console-consumer: group protocol of KIP-848")
def console_modern(tools: Tools) -> list:
    options = ["--group", "console-848", "--consumer-property", "group.protocol=consumer"]
    output = tools.run(
        f"{TOOLS}.consumer.ConsoleConsumer", "--topic", "console", "--from-beginning", "--max-messages", "20", *options
    )
    return [sorted(output.split("\n")), columns(tools.groups("--describe", "--group", "console-848"), "TOPIC", "LAG")]


@checks.check("kafka-delete-records", smoke=True)
def delete_records(tools: Tools) -> list:
    asked = {"version": 1, "partitions": [{"topic": "console", "partition": 0, "offset": 5}]}
    file = tools.file("delete.json", json.dumps(asked))
    output = tools.run(f"{TOOLS}.DeleteRecordsCommand", "--offset-json-file", file)
    first = tools.run(f"{TOOLS}.GetOffsetShell", "--topic", "console", "--time", "earliest")
    return [re.findall(r"partition: \S+\s+low_watermark: \d+", output), first.strip()]


@checks.check("ClientCompatibilityTest")
def client_compatibility(tools: Tools) -> str:
    flags = {
        "topic": "compatibility",
        "offsets-for-times-supported": "True",
        "cluster-id-supported": "True",
        "expect-record-too-large-exception": "False",
        "num-cluster-nodes": "1",
        "create-topics-supported": "True",
        "describe-acls-supported": "True",
        "describe-configs-supported": "True",
        "idempotent-producer-supported": "True",
    }
    tools.topics("--create", "--topic", "compatibility", "--partitions", "1")
    options = [word for flag, value in flags.items() for word in (f"--{flag}", value)]
    output = tools.run(f"{TOOLS}.ClientCompatibilityTest", *options)
    assert "SUCCESS" in output, output
    return "SUCCESS"


@checks.check("TransactionalMessageCopier")
def message_copier(tools: Tools) -> list:
    tools.topics("--create", "--topic", "copied", "--partitions", "1")
    options = ["--transactional-id", "copier", "--consumer-group", "copier", "--input-topic", "console"]
    options += ["--input-partition", "0", "--output-topic", "copied", "--transaction-size", "5", "--max-messages", "10"]
    command = [*tools.java, f"{TOOLS}.TransactionalMessageCopier", "--broker-list", tools.bootstrap]
    output = run_command([*command, *options])
    return [event["consumed"] for event in events(output) if event.get("stage") == "ShutdownComplete"]


@checks.check("ProducerPerformance")
def producer_performance(tools: Tools) -> str:
    options = ["--topic", "performance", "--num-records", "100000", "--record-size", "100", "--throughput", "-1"]
    tools.topics("--create", "--topic", "performance", "--partitions", "3")
    client = ["--producer-props", f"bootstrap.servers={tools.bootstrap}"]
    output = run_command([*tools.java, f"{TOOLS}.ProducerPerformance", *options, *client])
    return re.search(r"^100000 records sent", output, re.M).group()


@checks.check("ConsumerPerformance")
def consumer_performance(tools: Tools) -> bool:
    options = ["--topic", "performance", "--messages", "100000", "--group", "performance"]
    output = tools.run(f"{TOOLS}.ConsumerPerformance", *options)
    return float(output.splitlines()[-1].split(",")[4]) >= 100_000


@checks.check("ConsumerPerformance: group protocol of KIP-848")
def consumer_performance_modern(tools: Tools) -> bool:
    config = tools.file("modern.properties", "group.protocol=consumer\n")
    options = ["--topic", "performance", "--messages", "100000", "--group", "performance-848"]
    output = tools.run(f"{TOOLS}.ConsumerPerformance", *options, "--consumer.config", config)
    return float(output.splitlines()[-1].split(",")[4]) >= 100_000


@checks.check("kafka-log-dirs --describe")
def log_dirs(tools: Tools) -> list:
    output = tools.run(f"{TOOLS}.LogDirsCommand", "--describe", "--topic-list", "console")
    described = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    folders = [entry for broker in described["brokers"] for entry in broker["logDirs"]]
    partitions = [partition for folder in folders for partition in folder["partitions"]]
    return [(one["partition"], one["size"] > 0, one["offsetLag"], one["isFuture"]) for one in partitions]


@checks.check("kafka-cluster cluster-id")
def cluster_id(tools: Tools) -> str:
    output = run_command([*tools.java, f"{TOOLS}.ClusterTool", "cluster-id", "--bootstrap-server", tools.bootstrap])
    return re.sub(r"[\w-]{22,}", "<id>", output.strip())


@checks.check("kafka-acls --list")
def list_acls(tools: Tools) -> str:
    try:
        return tools.run(f"{TOOLS}.AclCommand", "--list").strip()
    except RuntimeError as error:
        return found_in(error, r"SecurityDisabledException: No Authorizer is configured")


def transactions(tools: Tools, *arguments: str) -> str:
    command = [*tools.java, f"{TOOLS}.TransactionsCommand", "--bootstrap-server", tools.bootstrap]
    return run_command([*command, *arguments])


@checks.check("kafka-transactions list")
def list_transactions(tools: Tools) -> list:
    return [row for row in columns(transactions(tools, "list"), "TransactionalId", "TransactionState") if row[0] == "copier"]


@checks.check("kafka-transactions describe")
def describe_transactions(tools: Tools) -> list:
    wanted = ("TransactionalId", "TransactionState", "TransactionTimeoutMs", "CurrentTransactionStartTimeMs")
    rows = columns(transactions(tools, "describe", "--transactional-id", "copier"), *wanted)
    return [(*row[:3], row[3].isdigit()) for row in rows]


@checks.check("kafka-transactions describe-producers")
def describe_producers(tools: Tools) -> list:
    wanted = ("ProducerEpoch", "LatestCoordinatorEpoch", "LastSequence", "CurrentTransactionStartOffset")
    return columns(transactions(tools, "describe-producers", "--topic", "copied", "--partition", "0"), *wanted)


@checks.check("kafka-transactions describe: unknown id")
def describe_unknown_transaction(tools: Tools) -> str:
    try:
        return transactions(tools, "describe", "--transactional-id", "absent")
    except RuntimeError as error:
        return found_in(error, r"`absent` failed because the ID could not be found")


@checks.check("kafka-client-metrics --list")
def list_client_metrics(tools: Tools) -> str:
    return tools.run(f"{TOOLS}.ClientMetricsCommand", "--list").strip()


def run(broker: Broker, jars: Path, folder: Path, smoke: bool) -> Results:
    return checks.run(Tools(broker, jars, folder), smoke)
