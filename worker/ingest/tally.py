"""What an ingester has done since it started."""

from __future__ import annotations

import threading

from worker.ingest.filing import Filed


class Tally:
    """Counters that several threads add to."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(
            (
                "received",
                "stored",
                "repeats",
                "ignored",
                "rejected",
                "deleted",
                "delete_failures",
                "given_back",
                "receive_errors",
                "transactions",
            ),
            0,
        )
        self._lock = threading.Lock()

    def add(self, **counts: int) -> None:
        """Add to the named counters."""
        with self._lock:
            for name, count in counts.items():
                self._counts[name] += count

    def add_filed(self, filed: Filed) -> None:
        """Add what one T1 committed."""
        self.add(
            stored=filed.stored,
            repeats=filed.repeats,
            ignored=filed.ignored,
            rejected=filed.rejected,
            transactions=1,
        )

    def as_dict(self) -> dict[str, int]:
        """The counters as they stand."""
        with self._lock:
            return dict(self._counts)
