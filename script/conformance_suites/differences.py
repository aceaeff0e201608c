"""The known differences between Apache Kafka and the embedded broker, by suite and check, with the reason.

A difference that is not here fails the comparison.
"""

REASONS: dict[str, dict[str, str]] = {}
