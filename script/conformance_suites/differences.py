"""The known differences between Apache Kafka and the embedded broker, by suite and check, with the reason.

A difference that is not here fails the comparison. That of a test is also that of its subtests.
"""

MIXED = "only a group without members changes its protocol; Kafka moves members over one by one"
ONE_NODE = "there is no quorum, and no log of metadata to describe"

REASONS: dict[str, dict[str, str]] = {
    "kafka-tools": {},
    "confluent-kafka": {
        "group: a classic member among members of KIP-848": MIXED,
    },
    "kcat": {},
    "franz-go": {},
    "kafka-python": {
        "test_group": "its session timeout of 3 s is below the group.min.session.timeout.ms that "
        "Apache Kafka has by default; here there is no such bound",
        "test_describe_metadata_quorum": ONE_NODE,
    },
}
