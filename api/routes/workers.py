"""GET /api/worker-status and /metrics: how the workers are, for people and for Prometheus."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request, Response
from prometheus_client import generate_latest
from pydantic import BaseModel, ConfigDict

from api.auth import Viewer
from api.problems import responses
from api.state import shared
from api.worker_status import Overall, Thresholds, judge

router = APIRouter(responses=responses(401, 403, 429, 503))

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Ingestion(BaseModel):
    """From SQS into the database. null: nobody knows, for example no ingester is alive."""

    queue_depth: int | None
    oldest_message_age_seconds: float | None
    last_heartbeat: datetime | None
    dlq_count: int
    processed_per_minute: int


class AnalysisStatus(BaseModel):
    """From the database to a decision."""

    backlog_count: int
    avg_processing_time_ms: float | None
    last_heartbeat: datetime | None


class Status(BaseModel):
    """How the workers are, a few seconds old at most."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ingestion": {
                        "queue_depth": 3,
                        "oldest_message_age_seconds": 0.4,
                        "last_heartbeat": "2026-03-04T10:15:31Z",
                        "dlq_count": 0,
                        "processed_per_minute": 412,
                    },
                    "analysis": {
                        "backlog_count": 2,
                        "avg_processing_time_ms": 1.8,
                        "last_heartbeat": "2026-03-04T10:15:33Z",
                    },
                    "overall_health": "healthy",
                }
            ]
        }
    )

    ingestion: Ingestion
    analysis: AnalysisStatus
    overall_health: Overall


@router.get("/api/worker-status", summary="How ingestion and analysis are")
def worker_status(request: Request, _caller: Viewer) -> Status:
    """`overall_health` is the worst of several; the thresholds are settings."""
    app = shared(request)
    found = app.board.status()
    thresholds = Thresholds(
        app.settings.degraded_after_seconds,
        app.settings.critical_after_seconds,
        app.settings.critical_backlog,
    )
    return Status(
        ingestion=Ingestion(
            queue_depth=found.queue_depth,
            oldest_message_age_seconds=found.oldest_message_age_seconds,
            last_heartbeat=found.ingest_heartbeat,
            dlq_count=found.dead_letters,
            processed_per_minute=found.processed_per_minute,
        ),
        analysis=AnalysisStatus(
            backlog_count=found.backlog_count,
            avg_processing_time_ms=found.avg_processing_time_ms,
            last_heartbeat=found.analysis_heartbeat,
        ),
        overall_health=judge(found, thresholds),
    )


@router.get(
    "/metrics",
    summary="For Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "The text format",
            "content": {METRICS_TYPE: {"schema": {"type": "string"}}},
        }
    },
)
def metrics(request: Request, _caller: Viewer) -> Response:
    """The figures of this process and of the workers."""
    app = shared(request)
    app.board.status()
    return Response(generate_latest(app.metrics.registry), media_type=METRICS_TYPE)
