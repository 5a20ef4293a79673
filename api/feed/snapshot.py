"""A database snapshot as a value: which transactions it has seen. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every transaction below `high` is seen except those `running`, which are `low` or above."""

    low: int
    high: int
    running: frozenset[int]

    @classmethod
    def of(cls, cursor: str) -> Snapshot:
        """The snapshot in a cursor of the feed, "epoch~low:high:running,...".

        Raises ValueError for other text: the database checks clients' cursors first.
        """
        _, _, text = cursor.partition("~")
        low, high, running = text.split(":")
        return cls(int(low), int(high), frozenset(int(x) for x in running.split(",") if x))

    def saw(self, transaction: int) -> bool:
        """Whether what this transaction committed is visible in the snapshot."""
        return transaction < self.high and transaction not in self.running

    def covers(self, other: Snapshot) -> bool:
        """Whether it certainly saw all that the other one saw; False means "perhaps not"."""
        return self.low >= other.high
