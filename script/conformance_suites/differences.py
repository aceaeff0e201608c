"""The known differences between Apache Kafka and the embedded broker, by suite and check, with the reason.

A difference that is not here fails the comparison. That of a test is also that of its subtests.
"""

LIST_TRANSACTIONS = "ListTransactions is not supported"
NEXT_PROTOCOL = "the group protocol of KIP-848 is not supported: clients must keep to the classic one"
ONE_NODE = "there are no replicas to move, and no quorum"

REASONS: dict[str, dict[str, str]] = {
    "kafka-tools": {
        "VerifiableConsumer: group protocol of KIP-848": NEXT_PROTOCOL,
        "kafka-transactions list": LIST_TRANSACTIONS,
    },
    "confluent-kafka": {
        "group: protocol of KIP-848": NEXT_PROTOCOL,
        "group: an empty group without offsets is still known": "such a group is forgotten at once; Kafka "
        "does so when it next looks for expired offsets, within ten minutes",
    },
    "kcat": {},
    "franz-go": {},
    "kafka-python": {
        "test_group": "its session timeout of 3 s is below the group.min.session.timeout.ms that "
        "Apache Kafka has by default; here there is no such bound",
        "test_alter_replica_log_dirs": ONE_NODE,
        "test_describe_metadata_quorum": ONE_NODE,
        "test_alter_partition_reassignments": ONE_NODE,
        "test_list_config_resources": "ListConfigResources is not supported: only topics and the node have settings",
        "test_kafka_version_infer": "the version is inferred from APIs that are not supported here",
    },
}
