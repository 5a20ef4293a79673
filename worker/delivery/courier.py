"""The courier: a few threads of a worker that deliver while its jobs go on.

A job for a delivery only rings here and is done within a moment, so that a receiver that hangs
holds back neither an analysis nor another receiver: each route has one message on its way at a
time. The rows say what is to be sent; a bell too many finds nothing, a lost one costs 10 s. At the
end of the process what is on its way is finished, and nothing more is taken.
"""

from __future__ import annotations

import threading

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from db.connect import first_line
from process.logs import get_logger
from worker.delivery.deliver import Desk, deliver_next

log = get_logger(__name__)


class Courier:
    """When it is rung for, delivers as long as anything is due."""

    def __init__(self, pool: ConnectionPool, desk: Desk, *, threads: int) -> None:
        self.desk = desk
        self._pool = pool
        self._most = threads
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._running = 0
        self._rung = False
        self._ending = False

    def ring(self) -> None:
        """Something may be due. Returns at once; safe in any thread."""
        with self._lock:
            # Threads about to stop look once more: it may have been committed just now.
            self._rung = True
            if self._running < self._most:
                self._start()

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until no thread delivers any more; False if that takes longer."""
        with self._idle:
            return self._idle.wait_for(lambda: self._running == 0, timeout_s)

    def finish(self) -> None:
        """Take nothing more, and return when what is on its way has ended.

        Call it before the interpreter begins to end: from then on its thread pools refuse work, and
        all channels resolve names in them.
        """
        with self._idle:
            self._ending = True
            self._idle.wait_for(lambda: self._running == 0)

    def _start(self) -> None:
        self._running += 1
        # Not a daemon: even without `finish` the interpreter waits for what is on its way.
        threading.Thread(target=self._work, name="courier", daemon=False).start()

    def _work(self) -> None:
        while self._go_on():
            try:
                while self._takes_more() and deliver_next(
                    self._pool, self.desk, after_taking=self._call_help
                ):
                    pass
            except (psycopg.Error, PoolTimeout) as error:
                # The row is left as it is; the rescue puts it back and rings again.
                log.error("delivery_interrupted", error=first_line(error))
            except Exception:
                log.exception("courier_broke")

    def _go_on(self) -> bool:
        """Whether the bell has rung since a thread last asked; else this thread ends."""
        with self._idle:
            if self._rung and self._takes_more():
                self._rung = False
                return True
            self._running -= 1
            self._idle.notify_all()
            return False

    def _call_help(self) -> None:
        """Where one delivery was due there may be more: let another thread look meanwhile."""
        with self._lock:
            if self._running < self._most and self._takes_more():
                self._rung = True
                self._start()

    def _takes_more(self) -> bool:
        return not self._ending and threading.main_thread().is_alive()
