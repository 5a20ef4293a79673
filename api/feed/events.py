"""Changes as server-sent events: written once, shared by every client that wants them. Pure.

Of a batch's events only the last carries an `id:`. A client cut off in the middle comes back with
the cursor from before the batch and gets the whole batch again. The `id:` comes after the data, so
that even a client that notes it at once has read what it stands for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["state", "alert"]

PIECE_BYTES = 32_768
"""A connection is handed pieces of about this size, so that a large batch is not copied whole into
the buffers of hundreds of connections."""


@dataclass(frozen=True, slots=True)
class Change:
    """A changed row, ready to be sent. `key` names the row, `changed_in` its transaction.

    `changed_at` is the writer's clock shortly before it committed; `body` is JSON.
    """

    kind: Kind
    key: str
    changed_in: int
    marketplace: str
    asin: str
    severity: str
    changed_at: datetime | None
    body: str

    @property
    def slot(self) -> tuple[str, str] | tuple[str, str, int]:
        """Where a change waits while a client is behind; a newer one in the same slot replaces it.

        Of a state only the latest form counts. Of an alert every change that was read is told: what
        people did to it in between matters.
        """
        if self.kind == "state":
            return (self.kind, self.key)
        return (self.kind, self.key, self.changed_in)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asked for; an empty set wants everything."""

    marketplaces: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()
    asins: frozenset[str] = frozenset()

    def concerns(self, change: Change) -> bool:
        """Whether the client must hear of it at all.

        Severity plays no part: a client that shows only critical products must hear that one has
        left them.
        """
        return (not self.marketplaces or change.marketplace in self.marketplaces) and (
            not self.asins or change.asin in self.asins
        )

    def event_of(self, change: Change) -> bytes:
        """The event for a change that concerns the client."""
        if not self.severities or change.severity in self.severities:
            return event(change.kind, change.body)
        return event("left", {"kind": change.kind, "key": change.key, "severity": change.severity})


@dataclass(slots=True)
class Batch:
    """What one read of the feed brought, with the cursor after it.

    The pieces for a filter are made at its first client and shared by all the others.
    """

    cursor: str
    changes: tuple[Change, ...]
    _pieces: dict[Wanted, tuple[bytes, ...]] = field(default_factory=dict, repr=False)

    def pieces(self, wanted: Wanted) -> tuple[bytes, ...]:
        """What to send to a client with this filter; empty when nothing concerns it."""
        made = self._pieces.get(wanted)
        if made is None:
            made = self._pieces[wanted] = pieces(self.changes, wanted, self.cursor)
        return made


def pieces(changes: Iterable[Change], wanted: Wanted, cursor: str) -> tuple[bytes, ...]:
    """The events of the changes that concern a client, cut into pieces; the last has the cursor."""
    events = [wanted.event_of(change) for change in changes if wanted.concerns(change)]
    if not events:
        return ()
    events[-1] = events[-1][:-1] + b"id: " + cursor.encode() + b"\n\n"
    return tuple(_joined(events))


def event(name: str, data: str | dict[str, Any], *, cursor: str | None = None) -> bytes:
    """One server-sent event. `data` is JSON, or JSON text without line ends."""
    text = data if isinstance(data, str) else json.dumps(data)
    tail = f"id: {cursor}\n" if cursor else ""
    return f"event: {name}\ndata: {text}\n{tail}\n".encode()


def cursor_alone(cursor: str) -> bytes:
    """A new cursor without an event: browsers note the id and dispatch nothing."""
    return f": alive\nid: {cursor}\n\n".encode()


def retry_after(milliseconds: int) -> bytes:
    """Tells the client how long to wait before it connects again."""
    return f"retry: {milliseconds}\n\n".encode()


def _joined(events: list[bytes]) -> Iterator[bytes]:
    piece: list[bytes] = []
    size = 0
    for one in events:
        piece.append(one)
        size += len(one)
        if size >= PIECE_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece)
