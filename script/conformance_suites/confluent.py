"""confluent-kafka-python, which is the newest librdkafka: clients and administration."""

import time
from collections.abc import Callable

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    OFFSET_BEGINNING,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourcePatternType,
    ResourceType,
)

from harness import Broker, Checks, Results

checks = Checks()
TIMEOUT = 60


class Clients:
    """Clients of one broker."""

    def __init__(self, broker: Broker) -> None:
        self.bootstrap = broker.bootstrap
        self.admin = AdminClient({"bootstrap.servers": broker.bootstrap})

    def producer(self, **settings: object) -> Producer:
        return Producer({"bootstrap.servers": self.bootstrap} | named(settings))

    def consumer(self, group: str, **settings: object) -> Consumer:
        basic = {"bootstrap.servers": self.bootstrap, "group.id": group, "auto.offset.reset": "earliest"}
        return Consumer(basic | named(settings))

    def create(self, topic: str, partitions: int = 1, **settings: str) -> None:
        asked = NewTopic(topic, partitions, 1, config=named(settings))
        self.admin.create_topics([asked])[topic].result(TIMEOUT)


def named(settings: dict) -> dict:
    """Settings with Kafka's dots for Python's underscores."""
    return {name.replace("_", "."): value for name, value in settings.items()}


def error_of(work: Callable[[], object]) -> str:
    """The name of Kafka's error that the work ends with."""
    try:
        work()
    except KafkaException as error:
        return error.args[0].name()
    return "none"


def send(producer: Producer, topic: str, values: list, **fields: object) -> list[str]:
    """Produces all and waits; the names of the errors."""
    errors: list[str] = []

    def delivered(error: KafkaError | None, _: object) -> None:
        if error is not None:
            errors.append(error.name())

    for value in values:
        producer.produce(topic, value=value, on_delivery=delivered, **fields)
    assert producer.flush(TIMEOUT) == 0, "not all were delivered in time"
    return errors


def receive(consumer: Consumer, count: int) -> list:
    """The next messages; fewer when they do not arrive in time."""
    received: list = []
    deadline = time.monotonic() + TIMEOUT
    while len(received) < count and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        received.append(message)
    assert len(received) == count, f"{len(received)} of {count} messages"
    return received


def values(messages: list) -> list:
    return [message.value() for message in messages]


@checks.check("create, list, describe and delete a topic", smoke=True)
def topics(clients: Clients) -> list:
    clients.create("admin", 3, retention_ms="100000")
    described = clients.admin.describe_topics(TopicCollection(["admin"]))["admin"].result(TIMEOUT)
    shape = [(p.id, p.leader.id, len(p.replicas), len(p.isr)) for p in described.partitions]
    listed = "admin" in clients.admin.list_topics(timeout=TIMEOUT).topics
    clients.admin.delete_topics(["admin"])["admin"].result(TIMEOUT)
    return [shape, described.is_internal, described.topic_id is not None, listed]


for case, topic, partitions, replicas, config in [
    ("an illegal name", "no spaces", 1, 1, {}),
    ("two dots for a name", "..", 1, 1, {}),
    ("no partitions", "none", 0, 1, {}),
    ("two replicas on one broker", "replicas", 1, 2, {}),
    ("an unknown setting", "setting", 1, 1, {"no.such.setting": "1"}),
    ("a setting that is no number", "number", 1, 1, {"retention.ms": "long"}),
]:

    @checks.check(f"create a topic: {case}", smoke=True)
    def refused_topic(clients: Clients, asked=(topic, partitions, replicas, config)) -> str:
        name, partitions, replicas, config = asked
        new = NewTopic(name, partitions, replicas, config=config)
        return error_of(lambda: clients.admin.create_topics([new])[name].result(TIMEOUT))


@checks.check("create a topic with replica assignment")
def assigned_topic(clients: Clients) -> int:
    new = NewTopic("assigned", 2, replica_assignment=[[1], [1]])
    clients.admin.create_topics([new])["assigned"].result(TIMEOUT)
    # Apache Kafka tells of a topic a moment after it was made.
    deadline = time.monotonic() + TIMEOUT
    partitions = 0
    while partitions == 0 and time.monotonic() < deadline:
        partitions = len(clients.admin.list_topics("assigned", TIMEOUT).topics["assigned"].partitions)
    return partitions


@checks.check("create a topic: validate only")
def validated_topic(clients: Clients) -> bool:
    clients.admin.create_topics([NewTopic("validated", 1, 1)], validate_only=True)["validated"].result(TIMEOUT)
    return "validated" in clients.admin.list_topics(timeout=TIMEOUT).topics


@checks.check("create a topic with cleanup.policy=compact")
def compacted_topic(clients: Clients) -> None:
    # A message with a later timestamp closes the segment, and closed segments are compacted at once.
    settings = {"cleanup_policy": "compact", "segment_ms": "1", "min_cleanable_dirty_ratio": "0.01"}
    clients.create("compacted", **settings, delete_retention_ms="0")


@checks.check("compaction: a message without a key", smoke=True)
def keyless(clients: Clients) -> list:
    clients.create("keyed", cleanup_policy="compact")
    return send(clients.producer(), "keyed", [b"no key"])


@checks.check("compaction: the newest message of each key is left")
def compaction(clients: Clients) -> list:
    deadline = time.monotonic() + TIMEOUT
    seen: list = []
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        producer = clients.producer(compression_type=codec)
        for n in range(20):
            send(producer, "compacted", [f"{codec} {n}" * 20], key=f"{codec} {n % 2}")
        send(producer, "compacted", [None], key=f"{codec} 0")
    while time.monotonic() < deadline:
        # The cleaner looks every 15 seconds; something must be new for it.
        time.sleep(2)
        send(clients.producer(), "compacted", [b"x", b"y"], key=b"filler")
        seen = [(m.offset(), m.key(), m.value()) for m in everything(clients, "compacted") if m.key() != b"filler"]
        if len(seen) == 5:
            break
    # The offset of the producers' first message, less than that of the last, shows that offsets stay.
    return [seen, clients.consumer("compacted").get_watermark_offsets(TopicPartition("compacted", 0), TIMEOUT)[0]]


def everything(clients: Clients, topic: str) -> list:
    """All messages in partition 0 now."""
    consumer = clients.consumer("everything", enable_partition_eof=True, enable_auto_commit=False)
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    messages = []
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            messages.append(message)
        elif message is not None and message.error().code() == KafkaError._PARTITION_EOF:
            break
    consumer.close()
    return messages


@checks.check("settings that do not fit together or are no values", smoke=True)
def refused_settings(clients: Clients) -> list:
    refused = [
        {"cleanup_policy": "shrink"},
        {"cleanup_policy": "compact,compact,nothing"},
        {"min_cleanable_dirty_ratio": "2"},
        {"max_message_bytes": "-1"},
        {"message_timestamp_type": "Now"},
        {"min_compaction_lag_ms": "10", "max_compaction_lag_ms": "5"},
        {"min_insync_replicas": "0"},
    ]
    return [error_of(lambda s=settings: clients.create("refused", **s)) for settings in refused]


@checks.check("message.timestamp.type=LogAppendTime", smoke=True)
def append_time(clients: Clients) -> list:
    clients.create("append-time", message_timestamp_type="LogAppendTime")
    before, told = time.time() * 1000, []
    producer = clients.producer(compression_type="lz4")
    producer.produce("append-time", b"x", timestamp=1000, on_delivery=lambda _, m: told.append(m.timestamp()))
    producer.flush(TIMEOUT)
    [message] = everything(clients, "append-time")
    kind, at = message.timestamp()
    found = clients.consumer("x").offsets_for_times([TopicPartition("append-time", 0, int(before) - 1000)], TIMEOUT)
    return [kind, abs(at - before) < 30_000, told == [(kind, at)], found[0].offset]


@checks.check("timestamps beyond the limits", smoke=True)
def timestamp_limits(clients: Clients) -> list:
    clients.create("limits", message_timestamp_before_max_ms="60000")
    now = int(time.time() * 1000)
    times = (now, now - 120_000, now + 1_800_000, now + 7_200_000)
    return [send(clients.producer(), "limits", [b"x"], timestamp=at) for at in times]


@checks.check("max.message.bytes of a topic")
def message_size(clients: Clients) -> list:
    clients.create("small", max_message_bytes="1000")
    clients.create("huge", max_message_bytes="8000000")
    producer = clients.producer(message_max_bytes=20_000_000)
    return [send(producer, topic, [b"x" * size]) for topic, size in (("small", 800), ("small", 1000), ("huge", 5_000_000))]


@checks.check("fewer partitions, and the same number", smoke=True)
def fewer_partitions(clients: Clients) -> list:
    clients.create("fewer", 2)
    grow = lambda count: clients.admin.create_partitions([NewPartitions("fewer", count)])["fewer"].result(TIMEOUT)
    return [error_of(lambda count=count: grow(count)) for count in (1, 2, 3)]


@checks.check("delete a topic that is not there", smoke=True)
def delete_unknown_topic(clients: Clients) -> str:
    return error_of(lambda: clients.admin.delete_topics(["absent"])["absent"].result(TIMEOUT))


@checks.check("produce and consume: keys, headers, timestamps, null", smoke=True)
def fields(clients: Clients) -> list:
    # Timestamps of 1970 are older than any retention of Apache Kafka, which would delete the messages.
    clients.create("fields", retention_ms="-1")
    producer = clients.producer()
    send(producer, "fields", [b"a", None, b""], key=b"k", headers=[("h", b"1"), ("h", None)], timestamp=123_456)
    send(producer, "fields", [b"no key"], timestamp=99)
    consumer = clients.consumer("fields")
    consumer.subscribe(["fields"])
    seen = [(m.offset(), m.key(), m.value(), m.headers(), m.timestamp()) for m in receive(consumer, 4)]
    consumer.close()
    return seen


for codec in ("none", "gzip", "snappy", "lz4", "zstd"):

    @checks.check(f"idempotent producer, {codec}", smoke=codec == "lz4")
    def idempotent(clients: Clients, codec: str = codec) -> list:
        topic = f"idempotent-{codec}"
        clients.create(topic, 3)
        producer = clients.producer(enable_idempotence=True, compression_type=codec, linger_ms=5)
        errors = send(producer, topic, [f"value {n}" for n in range(5000)])
        consumer = clients.consumer(topic)
        consumer.subscribe([topic])
        read = receive(consumer, 5000)
        consumer.close()
        return [errors, len(set(values(read))), sorted(values(read))[-1]]


@checks.check("produce: a message that is too large", smoke=True)
def too_large(clients: Clients) -> list:
    clients.create("large")
    return send(clients.producer(message_max_bytes=20_000_000), "large", [b"x" * 5_000_000])


@checks.check("produce: as large as is allowed")
def large(clients: Clients) -> list:
    return send(clients.producer(), "large", [b"x" * 999_000])


@checks.check("produce: a topic that is not there is created")
def auto_create(clients: Clients) -> list:
    errors = send(clients.producer(), "auto-created", [b"x"])
    return [errors, len(clients.admin.list_topics("auto-created", TIMEOUT).topics["auto-created"].partitions)]


@checks.check("produce: a partition that is not there")
def unknown_partition(clients: Clients) -> str:
    producer = clients.producer(message_timeout_ms=3000)
    return error_of(lambda: producer.produce("fields", b"x", partition=9)) + str(producer.flush(5))


@checks.check("consume: seek, pause and resume")
def seek(clients: Clients) -> list:
    clients.create("seek")
    send(clients.producer(), "seek", [str(n) for n in range(10)])
    consumer = clients.consumer("seek")
    consumer.assign([TopicPartition("seek", 0, 5)])
    seen = [values(receive(consumer, 2))]
    consumer.seek(TopicPartition("seek", 0, 1))
    seen.append(values(receive(consumer, 2)))
    consumer.pause([TopicPartition("seek", 0)])
    seen.append(consumer.poll(0.5))
    consumer.resume([TopicPartition("seek", 0)])
    seen.append(values(receive(consumer, 2)))
    consumer.close()
    return seen


@checks.check("consume: offsets by time, watermarks, positions", smoke=True)
def offsets_by_time(clients: Clients) -> list:
    clients.create("times", retention_ms="-1")
    producer = clients.producer()
    for n in range(5):
        send(producer, "times", [str(n)], timestamp=1000 + 10 * n)
    consumer = clients.consumer("times")
    asked = [TopicPartition("times", 0, at) for at in (0, 1011, 1040, 5000)]
    seen = [consumer.offsets_for_times([one], TIMEOUT)[0].offset for one in asked]
    seen.append(consumer.get_watermark_offsets(TopicPartition("times", 0), TIMEOUT))
    consumer.close()
    return seen


@checks.check("list offsets: earliest, latest, greatest timestamp", smoke=True)
def list_offsets(clients: Clients) -> list:
    seen = []
    partition = TopicPartition("times", 0)
    for spec in (OffsetSpec.earliest(), OffsetSpec.latest(), OffsetSpec.max_timestamp(), OffsetSpec.for_timestamp(1015)):
        found = clients.admin.list_offsets({partition: spec})[partition].result(TIMEOUT)
        seen.append((found.offset, found.timestamp))
    return seen


@checks.check("consume: beyond the end, auto.offset.reset=error", smoke=True)
def out_of_range(clients: Clients) -> str:
    consumer = clients.consumer("beyond", auto_offset_reset="error")
    consumer.assign([TopicPartition("times", 0, 1_000_000)])
    try:
        return error_of(lambda: receive(consumer, 1))
    finally:
        consumer.close()


@checks.check("consume: a topic that is not there", smoke=True)
def consume_unknown(clients: Clients) -> str:
    consumer = clients.consumer("absent", allow_auto_create_topics=False)
    consumer.subscribe(["absent"])
    try:
        return error_of(lambda: receive(consumer, 1))
    finally:
        consumer.close()


@checks.check("delete records", smoke=True)
def delete_records(clients: Clients) -> list:
    partition = TopicPartition("times", 0, 2)
    low = clients.admin.delete_records([partition])[partition].result(TIMEOUT).low_watermark
    beyond = TopicPartition("times", 0, 100)
    error = error_of(lambda: clients.admin.delete_records([beyond])[beyond].result(TIMEOUT))
    consumer = clients.consumer("deleted")
    consumer.assign([TopicPartition("times", 0, OFFSET_BEGINNING)])
    first = receive(consumer, 1)[0].offset()
    consumer.close()
    return [low, error, first]


def shared_out(clients: Clients, strategy: str, **settings: object) -> list:
    """How many partitions each of two consumers has, together and after one has left."""
    topic = group = f"shared-{strategy}{len(settings)}"
    clients.create(topic, 4)
    common = {"partition_assignment_strategy": strategy} if strategy != "consumer" else {"group_protocol": "consumer"}
    consumers = []
    for n in (1, 2):
        own = {"group_instance_id": f"member-{n}"} if settings else {}
        consumers.append(clients.consumer(group, **common, **own))
        consumers[-1].subscribe([topic])

    def until(wanted: list[int], members: list[Consumer]) -> list[int]:
        deadline = time.monotonic() + TIMEOUT
        counts: list[int] = []
        while counts != wanted and time.monotonic() < deadline:
            for member in members:
                member.poll(0.1)
            counts = sorted(len(member.assignment()) for member in members)
        return counts

    both = until([2, 2], consumers)
    consumers.pop().close()
    if settings:
        # A static member that leaves keeps its partitions until its session times out.
        consumers.append(clients.consumer(group, **common, group_instance_id="member-2"))
        consumers[-1].subscribe([topic])
        rest = until([2, 2], consumers)
    else:
        rest = until([4], consumers)
    for consumer in consumers:
        consumer.close()
    return [both, rest]


for strategy in ("range", "roundrobin", "cooperative-sticky"):

    @checks.check(f"group: two consumers, {strategy}", smoke=strategy == "cooperative-sticky")
    def two_consumers(clients: Clients, strategy: str = strategy) -> list:
        return shared_out(clients, strategy)


@checks.check("group: static members")
def static_members(clients: Clients) -> list:
    return shared_out(clients, "range", static=True)


@checks.check("group: protocol of KIP-848")
def next_protocol(clients: Clients) -> list:
    return shared_out(clients, "consumer")


@checks.check("group: protocol of KIP-848, static members")
def next_protocol_static(clients: Clients) -> list:
    return shared_out(clients, "consumer", static=True)


def assigned(consumer: Consumer, wanted: list) -> list:
    """Polls until the consumer has these partitions; returns what it has in the end."""
    deadline = time.monotonic() + TIMEOUT
    has: list = []
    while has != wanted and time.monotonic() < deadline:
        consumer.poll(0.1)
        has = sorted((tp.topic, tp.partition) for tp in consumer.assignment())
    return has


@checks.check("group: protocol of KIP-848, topics by pattern that come, grow and go")
def next_protocol_pattern(clients: Clients) -> list:
    clients.create("pattern-a")
    consumer = clients.consumer("pattern", group_protocol="consumer", group_remote_assignor="range")
    consumer.subscribe(["^pattern-.*"])
    seen = [assigned(consumer, [("pattern-a", 0)])]
    clients.create("pattern-b", 2)
    seen.append(assigned(consumer, [("pattern-a", 0), ("pattern-b", 0), ("pattern-b", 1)]))
    clients.admin.create_partitions([NewPartitions("pattern-a", 2)])["pattern-a"].result(TIMEOUT)
    grown = [("pattern-a", 0), ("pattern-a", 1), ("pattern-b", 0), ("pattern-b", 1)]
    seen.append(assigned(consumer, grown))
    clients.admin.delete_topics(["pattern-b"])["pattern-b"].result(TIMEOUT)
    seen.append(assigned(consumer, grown[:2]))
    consumer.close()
    return seen


@checks.check("group: protocol of KIP-848, describe and list")
def next_protocol_described(clients: Clients) -> list:
    clients.create("modern", 2)
    consumer = clients.consumer("modern", group_protocol="consumer", client_id="the-client")
    consumer.subscribe(["modern"])
    assigned(consumer, [("modern", 0), ("modern", 1)])
    consumer.commit(offsets=[TopicPartition("modern", 0, 0)], asynchronous=False)
    described = clients.admin.describe_consumer_groups(["modern"])["modern"].result(TIMEOUT)
    member = described.members[0]
    seen: list = [described.state.name, described.type.name, described.partition_assignor, len(described.members)]
    seen += [member.client_id, member.host]
    for partitions in (member.assignment, member.target_assignment):
        seen.append(sorted((tp.topic, tp.partition) for tp in partitions.topic_partitions))
    listed = lambda: [
        (group.state.name, group.type.name)
        for group in clients.admin.list_consumer_groups().result(TIMEOUT).valid
        if group.group_id == "modern"
    ]
    delete = lambda: error_of(lambda: clients.admin.delete_consumer_groups(["modern"])["modern"].result(TIMEOUT))
    seen += [listed(), delete()]
    consumer.close()
    return [*seen, listed(), delete(), listed()]


@checks.check("group: protocol of KIP-848 after the classic one, and back")
def next_protocol_changed(clients: Clients) -> list:
    clients.create("changed")
    send(clients.producer(), "changed", [str(n) for n in range(6)])
    seen = []
    for protocol in ("classic", "consumer", "classic"):
        consumer = clients.consumer("changed", group_protocol=protocol, enable_auto_commit=False)
        consumer.subscribe(["changed"])
        message = receive(consumer, 1)[0]
        consumer.commit(message, asynchronous=False)
        seen.append(message.value())
        consumer.close()
    return seen


@checks.check("group: a classic member among members of KIP-848")
def next_protocol_mixed(clients: Clients) -> list:
    clients.create("mixed", 2)
    modern = clients.consumer("mixed", group_protocol="consumer")
    modern.subscribe(["mixed"])
    assigned(modern, [("mixed", 0), ("mixed", 1)])
    classic = clients.consumer("mixed")
    classic.subscribe(["mixed"])
    counts: list[int] = []
    deadline = time.monotonic() + TIMEOUT / 2
    try:
        while counts != [1, 1] and time.monotonic() < deadline:
            for consumer in (modern, classic):
                consumer.poll(0.1)
            counts = [len(consumer.assignment()) for consumer in (modern, classic)]
    finally:
        for consumer in (modern, classic):
            consumer.close()
    return counts


@checks.check("group: commit, describe, list, alter offsets, delete", smoke=True)
def group_admin(clients: Clients) -> list:
    consumer = clients.consumer("administered", enable_auto_commit=False, client_id="the-client")
    consumer.subscribe(["fields"])
    last = receive(consumer, 4)[-1]
    consumer.commit(last, asynchronous=False)
    described = clients.admin.describe_consumer_groups(["administered"])["administered"].result(TIMEOUT)
    member = described.members[0]
    seen: list = [described.state.name, described.is_simple_consumer_group, described.partition_assignor]
    seen += [member.client_id, member.host, [(tp.topic, tp.partition) for tp in member.assignment.topic_partitions]]
    busy = error_of(lambda: clients.admin.delete_consumer_groups(["administered"])["administered"].result(TIMEOUT))
    consumer.close()
    altered = ConsumerGroupTopicPartitions("administered", [TopicPartition("fields", 0, 1)])
    clients.admin.alter_consumer_group_offsets([altered])["administered"].result(TIMEOUT)
    asked = ConsumerGroupTopicPartitions("administered")
    offsets = clients.admin.list_consumer_group_offsets([asked])["administered"].result(TIMEOUT)
    listed = clients.admin.list_consumer_groups().result(TIMEOUT).valid
    state = next((group.state.name, group.type.name) for group in listed if group.group_id == "administered")
    clients.admin.delete_consumer_groups(["administered"])["administered"].result(TIMEOUT)
    gone = error_of(lambda: clients.admin.delete_consumer_groups(["administered"])["administered"].result(TIMEOUT))
    return [*seen, busy, [(tp.topic, tp.offset) for tp in offsets.topic_partitions], state, gone]


@checks.check("group: an empty group without offsets is still known")
def empty_group(clients: Clients) -> str:
    consumer = clients.consumer("left", enable_auto_commit=False)
    consumer.subscribe(["fields"])
    receive(consumer, 4)
    consumer.close()
    return error_of(lambda: clients.admin.delete_consumer_groups(["left"])["left"].result(TIMEOUT))


@checks.check("group: committed metadata and leader epoch")
def committed_metadata(clients: Clients) -> list:
    consumer = clients.consumer("metadata")
    consumer.commit(offsets=[TopicPartition("fields", 0, 2, "some text", 0)], asynchronous=False)
    committed = consumer.committed([TopicPartition("fields", 0), TopicPartition("seek", 0)], TIMEOUT)
    consumer.close()
    return [(tp.offset, tp.metadata, tp.leader_epoch) for tp in committed]


@checks.check("describe settings of a topic", smoke=True)
def describe_configs(clients: Clients) -> list:
    clients.create("described", retention_ms="100000")
    resource = ConfigResource(ResourceType.TOPIC, "described")
    entries = clients.admin.describe_configs([resource])[resource].result(TIMEOUT)
    compared = ("retention.ms", "retention.bytes", "cleanup.policy", "compression.type", "message.timestamp.type")
    compared += ("max.message.bytes", "min.cleanable.dirty.ratio", "delete.retention.ms", "segment.ms")
    compared += ("min.compaction.lag.ms", "max.compaction.lag.ms", "message.timestamp.after.max.ms")
    return [(name, entries[name].value, entries[name].is_default, entries[name].is_read_only) for name in compared]


@checks.check("describe settings: unknown topic", smoke=True)
def describe_unknown_configs(clients: Clients) -> str:
    resource = ConfigResource(ResourceType.TOPIC, "absent")
    return error_of(lambda: clients.admin.describe_configs([resource])[resource].result(TIMEOUT))


@checks.check("alter settings of a topic")
def alter_configs(clients: Clients) -> str:
    change = ConfigEntry("retention.ms", "50000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, "described", incremental_configs=[change])
    clients.admin.incremental_alter_configs([resource])[resource].result(TIMEOUT)
    return clients.admin.describe_configs([resource])[resource].result(TIMEOUT)["retention.ms"].value


@checks.check("alter settings of a topic: add to a list and take from it")
def alter_lists(clients: Clients) -> list:
    seen = []
    for operation, word in ((AlterConfigOpType.APPEND, "compact"), (AlterConfigOpType.SUBTRACT, "delete")):
        change = ConfigEntry("cleanup.policy", word, incremental_operation=operation)
        resource = ConfigResource(ResourceType.TOPIC, "described", incremental_configs=[change])
        clients.admin.incremental_alter_configs([resource])[resource].result(TIMEOUT)
        time.sleep(1)  # Apache Kafka tells of a change a moment after it was made.
        entries = clients.admin.describe_configs([resource])[resource].result(TIMEOUT)
        seen.append(sorted(entries["cleanup.policy"].value.split(",")))
    return seen


@checks.check("describe the cluster")
def describe_cluster(clients: Clients) -> list:
    cluster = clients.admin.describe_cluster().result(TIMEOUT)
    return [len(cluster.nodes), cluster.controller.id, cluster.cluster_id is not None]


@checks.check("access control without an authorizer")
def access_control(clients: Clients) -> list:
    allowed = ("fields", ResourcePatternType.LITERAL, "User:a", "*", AclOperation.READ, AclPermissionType.ALLOW)
    any_topic = (None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY)
    binding = AclBinding(ResourceType.TOPIC, *allowed)
    pattern = AclBindingFilter(ResourceType.TOPIC, *any_topic)
    return [
        error_of(lambda: clients.admin.describe_acls(pattern).result(TIMEOUT)),
        error_of(lambda: clients.admin.create_acls([binding])[binding].result(TIMEOUT)),
        error_of(lambda: clients.admin.delete_acls([pattern])[pattern].result(TIMEOUT)),
    ]


@checks.check("transactions: commit, abort, offsets")
def transactions(clients: Clients) -> list:
    clients.create("transactions")
    producer = clients.producer(transactional_id="confluent")
    producer.init_transactions(TIMEOUT)
    for value, end in (("kept", producer.commit_transaction), ("dropped", producer.abort_transaction)):
        producer.begin_transaction()
        producer.produce("transactions", value)
        producer.flush(TIMEOUT)
        end(TIMEOUT)
    consumer = clients.consumer("transactions", isolation_level="read_committed")
    consumer.subscribe(["transactions"])
    read = values(receive(consumer, 1))
    more = consumer.poll(1)
    consumer.close()
    return [read, more]


def run(broker: Broker, smoke: bool) -> Results:
    return checks.run(Clients(broker), smoke)
