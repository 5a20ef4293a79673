"""How a process is told to stop."""

from __future__ import annotations

from queue import Empty, SimpleQueue


class StopSign:
    """Shown once, seen by every thread, and safe to show in a signal handler.

    A `threading.Event` is not safe there: the handler runs in the main thread, which may hold the
    event's own lock if it was waiting for the event, and `set` would then wait for ever. Putting
    into a SimpleQueue is safe at any moment, even within a call on the same queue.
    """

    def __init__(self) -> None:
        self._shown = False
        self._news: SimpleQueue[None] = SimpleQueue()

    def show(self) -> None:
        """Tell everybody to stop."""
        self._shown = True
        self._news.put(None)

    def is_shown(self) -> bool:
        """Whether to stop."""
        return self._shown

    def wait(self, timeout_s: float) -> bool:
        """Whether to stop, after waiting up to the timeout for it."""
        if not self._shown:
            try:
                self._news.get(timeout=timeout_s)
            except Empty:
                return self._shown
            self._news.put(None)  # for whoever waits next
        return self._shown
