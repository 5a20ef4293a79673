"""The settings: readable, and none missing."""

from __future__ import annotations

import os

from worker.doctor.finding import Finding, ok, problem, warning
from worker.settings import Settings

SHAPE_OF_AN_ADDRESS = "postgresql://user:password@host:5432/name."


def check_settings(settings: Settings) -> list[Finding]:
    """What is missing. Values are not shown: some are secrets, and the names are enough."""
    missing = [
        problem(name, f"{name} is not set", do)
        for name, value, do in (
            (
                "DATABASE_URL",
                settings.database_url,
                "Set it to the database's direct connection string, as " + SHAPE_OF_AN_ADDRESS,
            ),
            (
                "SQS_QUEUE_URL",
                settings.sqs_queue_url,
                "Set it to the URL of the queue that Amazon's notifications arrive on.",
            ),
        )
        if not value
    ]
    if not settings.dlq_url:
        missing.append(
            warning(
                "DLQ_URL",
                "DLQ_URL is not set: nobody watches the dead letter queue",
                "Set it to the URL of the dead letter queue that the queue's redrive policy names.",
            )
        )
    if settings.sqs_endpoint_url and os.environ.get("RENDER"):
        missing.append(
            problem(
                "SQS_ENDPOINT_URL",
                "SQS_ENDPOINT_URL points at an emulator, and this is a deployed service",
                "Remove SQS_ENDPOINT_URL from the service's environment.",
            )
        )
    return missing or [ok("settings", "readable and complete")]
