"""Where a batch of messages is handed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from worker.ingest.filing import Letter
from worker.ingest.notification import Arrival

Desk = Callable[[Sequence[Letter]], None]
"""Files one batch of opened messages; committed when it returns."""

RawDesk = Callable[[Sequence[Arrival]], None]
"""Opens and files one batch; committed when it returns."""
