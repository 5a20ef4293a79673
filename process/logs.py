"""Logs: one JSON object a line, ours and the libraries' alike.

A message's way can be followed by its `trace_id` (`trace_ids` in a line about a batch):
`received`, `stored` (T1), `analysed` (T2 and its bell).
"""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from process.settings import ProcessSettings
from process.terminal import plain

QUIET = (
    # what these say about each job and call, our own lines say better
    *("procrastinate", "botocore", "urllib3", "asyncio", "alembic", "psycopg.pool"),
    # the clients of HTTP and mail also quote addresses, and with them passwords
    *("httpx", "httpcore", "aiosmtplib"),
    # requests are counted in the metrics; a line each would also write down cursors and filters
    "uvicorn.access",
)
"""Libraries of which only warnings are written, in whatever process they run."""


def configure_logs(
    settings: ProcessSettings,
    *,
    process: str,
    level: str | None = None,
    stream: TextIO | None = None,
) -> None:
    """Set up logging for this process, to standard output without `stream`. The last call wins."""

    def add_origin(_logger: Any, _method: str, event: EventDict) -> EventDict:
        # Not contextvars: a new thread has none of its creator's.
        return {"process": process, "worker": settings.worker_id, **event}

    shared: list[Processor] = [
        add_origin,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderers: list[Processor] = (
        [structlog.processors.JSONRenderer(default=str)]
        if settings.log_format == "json"
        else [_for_a_terminal, structlog.dev.ConsoleRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    logging.basicConfig(level=level or settings.log_level, handlers=[handler], force=True)
    for chatty in QUIET:
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _for_a_terminal(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Texts in which nothing moves the cursor or begins a line, except those of a traceback."""
    return {
        name: plain(value, keep="\n" if name == "exception" else "")
        if isinstance(value, str)
        else value
        for name, value in event.items()
    }


def get_logger(name: str) -> Any:
    """A structlog logger; give it values, not sentences with values in them."""
    return structlog.stdlib.get_logger(name)
