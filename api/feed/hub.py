"""The hub: every open stream, fed by one reader. All of it runs on the event loop.

How a stream loses nothing and hears nothing twice (docs/decisions/0017): its client is registered
first and collects; then its gap is read, up to a snapshot; then the client is sent what it
collected, except what that snapshot saw.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from api.feed.client import Client, Leave
from api.feed.events import Batch, Wanted, event
from api.feed.reader import FeedReader, Listeners, ReadFeed
from api.metrics import Metrics
from db.feed import read_changes
from process.watchdog import Expected

RETRY_MS = (2_000, 10_000)
"""A client's wait before it connects again, drawn for each: so they do not all come at once."""


class TooManyStreamsError(Exception):
    """No more streams; `whose` says which limit is reached, the server's or the token's."""

    def __init__(self, whose: str) -> None:
        super().__init__(f"The {whose} has as many open streams as it may have.")


class NotLiveError(Exception):
    """The feed has not been read yet since the start."""

    def __str__(self) -> str:
        return "the feed has not been read yet since the start"


@dataclass(frozen=True, slots=True)
class HubHealth:
    """How the feed is. Ages in seconds; `live` means that its connections are up."""

    reader_alive: bool
    live: bool
    echo_age_s: float
    read_age_s: float
    clients: int


class Hub:
    """Registers clients, hands them the batches, and sees them off."""

    def __init__(
        self,
        database_url: str,
        metrics: Metrics,
        *,
        poll_s: float,
        pause_s: float,
        max_pending: int,
        max_streams: int,
        max_streams_per_owner: int,
        turns: Expected,
        read: ReadFeed = read_changes,
    ) -> None:
        self._metrics = metrics
        self._max_pending = max_pending
        self._max_streams = max_streams
        self._max_streams_per_owner = max_streams_per_owner
        self._clients: set[Client] = set()
        self._owners: Counter[str] = Counter()
        self._position: str | None = None
        self._has_position = asyncio.Event()
        self._live = False
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._reader = FeedReader(
            database_url,
            Listeners(
                batch=self._on_loop(self._publish),
                reset=self._on_loop(self._begin_again),
                live=self._on_loop(self._go_live),
                read=lambda why: metrics.feed_reads.labels(why).inc(),
            ),
            poll_s=poll_s,
            pause_s=pause_s,
            read=read,
            turns=turns,
        )
        metrics.stream_gap.set_function(lambda: self._reader.read_age_s)
        metrics.clients.set_function(lambda: len(self._clients))

    def start(self) -> None:
        """Begin to follow the feed."""
        self._reader.start()

    def stop(self) -> None:
        """Stop following the feed; blocks for a moment."""
        self._reader.stop()

    @property
    def position(self) -> str:
        """Where the feed stands. Raises NotLiveError before its first read."""
        if self._position is None:
            raise NotLiveError
        return self._position

    @property
    def live(self) -> bool:
        """Whether the feed is being followed at this moment."""
        return self._live

    async def wait_until_live(self, *, timeout_s: float) -> None:
        """Returns once the feed has been read. Raises NotLiveError when that takes too long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._has_position.wait()
        except TimeoutError:
            raise NotLiveError from None

    def health(self) -> HubHealth:
        """How the feed is now."""
        return HubHealth(
            reader_alive=self._reader.alive,
            live=self._live,
            echo_age_s=self._reader.echo_age_s,
            read_age_s=self._reader.read_age_s,
            clients=len(self._clients),
        )

    def join(
        self, wanted: Wanted, *, owner: str, token_id: int | None, cut_off: Callable[[], None]
    ) -> Client:
        """Register a client: from here on it collects. `cut_off` must end its connection at once.

        Raises TooManyStreamsError.
        """
        if len(self._clients) >= self._max_streams:
            raise TooManyStreamsError("server")
        if self._owners[owner] >= self._max_streams_per_owner:
            raise TooManyStreamsError("token")
        client = Client(
            wanted,
            owner=owner,
            token_id=token_id,
            max_pending=self._max_pending,
            cut_off=cut_off,
        )
        self._clients.add(client)
        self._owners[owner] += 1
        if self._closing:
            client.end(_farewell("restart"))
        return client

    def leave(self, client: Client) -> None:
        """Forget a client; a second call does nothing."""
        if client in self._clients:
            self._clients.discard(client)
            self._owners[client.owner] -= 1
            if not self._owners[client.owner]:
                del self._owners[client.owner]
            self._metrics.stream_ends.labels(
                client.leaving.reason if client.leaving else "gone"
            ).inc()

    def farewell(self) -> None:
        """The process is about to end: send every client away, each with its own wait."""
        self._closing = True
        for client in self._clients:
            client.end(_farewell("restart"))

    def owners(self) -> set[int | None]:
        """The tokens and sessions that have open streams; None is loopback without a token."""
        return {client.token_id for client in self._clients}

    def dismiss(self, token_ids: Iterable[int | None]) -> None:
        """End the streams of tokens that are no longer good."""
        gone = set(token_ids)
        for client in self._clients:
            if client.token_id in gone:
                client.end(_farewell("revoked"))

    def _publish(self, batch: Batch) -> None:
        self._position = batch.cursor
        self._has_position.set()
        if not batch.changes:
            return
        for client in self._clients:
            client.offer(batch)
        self._metrics.observe_batch(batch.changes, datetime.now(UTC))

    def _begin_again(self, reason: str, cursor: str) -> None:
        self._position = cursor
        self._has_position.set()
        self._metrics.resets.labels(reason).inc()
        for client in self._clients:
            client.begin_again(reason, cursor)

    def _go_live(self, live: bool) -> None:  # noqa: FBT001  the reader's callback has one value
        if live is self._live:
            return
        self._live = live
        for client in self._clients:
            client.notice(event("feed", {"live": live}))

    def _on_loop(self, act: Callable[..., None]) -> Callable[..., None]:
        """`act`, callable from the reader's thread; does nothing once the loop is closed."""

        def call(*given: object) -> None:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(act, *given)

        return call


def _farewell(reason: str) -> Leave:
    return Leave(reason, random.randint(*RETRY_MS))
