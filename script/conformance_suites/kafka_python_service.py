"""Stands in for `test/service.py`, which kafka-python's source distribution leaves out."""


class ExternalService:
    """A broker that somebody else started."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    def dump_logs(self) -> None:
        """The logs are elsewhere."""

    def stop(self) -> None:
        """The one who started it stops it."""


class SpawnedService:
    """Named by the fixtures, never used with an external broker."""
