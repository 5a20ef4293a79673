"""One stream's place in the hub: what waits for it, in bounded memory. For the event loop only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from api.feed.events import Batch, Change, Wanted, cursor_alone, event, pieces
from api.feed.snapshot import Snapshot

Pieces = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """Why a stream ends, and how long its client should wait before it comes back."""

    reason: str
    retry_ms: int | None = None


class Client:
    """What one browser is still to be told.

    Until `settle` it only collects, while its gap is read. A client that keeps up gets the hub's
    batches as they are. While it is behind, changes wait in slots, where a newer state takes the
    place of the older one. A client with more than `max_pending` waiting is cut off: it comes back
    with its cursor and misses nothing. Nothing is ever dropped from a stream that goes on.
    """

    __slots__ = (
        "_batch", "_cut_off", "_leave", "_mark", "_max_pending", "_news", "_notice", "_pending",
        "_reset", "_settled", "_wake", "cursor", "owner", "token_id", "wanted",
    )  # fmt: skip

    def __init__(
        self,
        wanted: Wanted,
        *,
        owner: str,
        token_id: int | None,
        max_pending: int,
        cut_off: Callable[[], None],
    ) -> None:
        self.wanted = wanted
        self.owner = owner
        self.token_id = token_id
        self.cursor = ""
        self._max_pending = max_pending
        self._cut_off = cut_off
        self._settled = False
        self._mark: Snapshot | None = None
        self._batch: Batch | None = None
        self._pending: dict[object, Change] = {}
        self._news: str | None = None
        self._notice: bytes | None = None
        self._reset: bytes | None = None
        self._leave: Leave | None = None
        self._wake = asyncio.Event()

    @property
    def leaving(self) -> Leave | None:
        """Why the stream is to end; None while it goes on."""
        return self._leave

    def ended(self) -> bool:
        """Whether the stream is to end."""
        return self._leave is not None

    def settle(self, cursor: str, *, read_gap: bool) -> None:
        """From here on the client is live: it is told all that this cursor has seen.

        With `read_gap` the cursor is newer than batches that already wait, and may be newer than
        those still to come from a read that was under way.
        """
        if self._reset is not None:
            return  # meanwhile the hub itself had to begin again; the cursor it gave stays
        self.cursor, self._settled = cursor, True
        if read_gap:
            self._mark = Snapshot.of(cursor)

    def offer(self, batch: Batch) -> None:
        """Take a batch of the hub. Cuts the client off when too much waits."""
        if self._leave is not None:
            return
        if self._settled and self._mark is None and self._batch is None and not self._pending:
            self._batch = batch
        else:
            self._pile(batch)
        self._wake.set()

    def notice(self, one: bytes) -> None:
        """An event about the feed itself; only the latest counts."""
        self._notice = one
        self._wake.set()

    def begin_again(self, reason: str, cursor: str) -> None:
        """The feed cannot go on from where it was: tell the client to read everything again."""
        self._batch, self._news, self._mark = None, None, None
        self._pending.clear()
        self.cursor, self._settled = cursor, True
        self._reset = event("reset", {"reason": reason, "cursor": cursor}, cursor=cursor)
        self._wake.set()

    def end(self, leave: Leave) -> None:
        """End the stream after at most one more event."""
        if self._leave is None:
            self._leave = leave
            self._wake.set()

    async def take(self, *, patience_s: float) -> Pieces | None:
        """What is to be sent next, perhaps nothing; None when nothing came for `patience_s`.

        Once the client has `ended` there is nothing more.
        """
        try:
            async with asyncio.timeout(patience_s):
                await self._wake.wait()
        except TimeoutError:
            return None
        self._wake.clear()
        if self._leave is not None:
            return ()
        found: list[bytes] = []
        if self._notice is not None:
            found.append(self._notice)
            self._notice = None
        if self._reset is not None:
            found.append(self._reset)
            self._reset = None
        return (*found, *self._take_changes())

    def sign_of_life(self, position: str) -> bytes:
        """For a stream on which nothing happens: moves its cursor up to the hub's `position`.

        When nothing waits, all that the hub has read was told to this client or concerned others.
        """
        if self._batch is None and self._news is None and self._settled:
            here = Snapshot.of(position)
            if self._mark is None or here.covers(self._mark):
                self.cursor, self._mark = position, None
        return cursor_alone(self.cursor)

    def _take_changes(self) -> Pieces:
        if not self._settled:
            return ()
        if self._batch is not None:
            batch, self._batch = self._batch, None
            self.cursor = batch.cursor
            return batch.pieces(self.wanted)
        if self._news is None:
            return ()
        cursor, self._news = self._news, None
        changes = list(self._pending.values())
        self._pending.clear()
        if self._mark is not None:
            changes = [change for change in changes if not self._mark.saw(change.changed_in)]
            if not changes:
                return ()  # perhaps older than the gap that was read, whose cursor stays
            self._mark = None  # a change it did not see: this is newer, and so is all that follows
        self.cursor = cursor
        return pieces(changes, self.wanted, cursor)

    def _pile(self, batch: Batch) -> None:
        """Put a batch, and the one still waiting whole, into slots; the newest changes last."""
        for one in (self._batch, batch):
            for change in one.changes if one else ():
                if self.wanted.concerns(change):
                    self._pending.pop(change.slot, None)
                    self._pending[change.slot] = change
        self._batch, self._news = None, batch.cursor
        if len(self._pending) > self._max_pending:
            self._pending.clear()
            self.end(Leave("slow"))
            self._cut_off()
