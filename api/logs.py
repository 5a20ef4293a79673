"""Logs: one JSON object a line, ours and uvicorn's alike."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from api.settings import ApiSettings


def configure_logs(settings: ApiSettings) -> None:
    """Set up logging for this process, to standard output."""

    def add_origin(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {"process": "api", "worker": settings.worker_id, **event}

    shared: list[Processor] = [
        add_origin,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer()
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
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    # Requests are counted in the metrics; a line each would also write down cursors and filters.
    for chatty in ("uvicorn.access", "asyncio", "psycopg.pool"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def get_logger(name: str) -> Any:
    """A structlog logger; give it values, not sentences with values in them."""
    return structlog.stdlib.get_logger(name)
