"""The known differences between Apache Kafka and the embedded broker, by suite and check, with the reason.

A difference that is not here fails the comparison. That of a test is also that of its subtests.
"""

MIXED = "only a group without members changes its protocol; Kafka moves members over one by one"
ONE_NODE = "there are no replicas to move, and no quorum"

REASONS: dict[str, dict[str, str]] = {
    "kafka-tools": {
        "kafka-transactions describe-producers": "the second protocol of transactions, in which each has an epoch "
        "of its own (KIP-890), is not supported",
    },
    "confluent-kafka": {
        "group: a classic member among members of KIP-848": MIXED,
    },
    "kcat": {},
    "franz-go": {},
    "kafka-python": {
        "test_group": "its session timeout of 3 s is below the group.min.session.timeout.ms that "
        "Apache Kafka has by default; here there is no such bound",
        "test_alter_replica_log_dirs": ONE_NODE,
        "test_describe_metadata_quorum": ONE_NODE,
        "test_alter_partition_reassignments": ONE_NODE,
        "test_kafka_version_infer": "the version is inferred from APIs that are not supported here",
    },
}
