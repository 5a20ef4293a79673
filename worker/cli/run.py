"""`buybox run`: ingester and worker under one supervisor, for the smallest plan."""

from __future__ import annotations

import sys

from process.logs import configure_logs
from worker.cli.common import dsn_or_fail, fail, settings_or_fail
from worker.supervise import Child, Supervisor

INGEST = (sys.executable, "-m", "worker.ingest")
ANALYSE = (sys.executable, "-m", "procrastinate", "--app=worker.app.app", "worker")


def run() -> None:
    """Run the ingester and a worker together, and restart whichever exits.

    For a plan with room for one service only; with more room, deploy them apart, so that each
    can be restarted and scaled by itself.

    Example: [dim]buybox run[/dim]
    """
    settings = settings_or_fail()
    configure_logs(settings, process="supervisor")
    dsn_or_fail(settings)
    if not settings.sqs_queue_url:
        fail("SQS_QUEUE_URL is not set: there is nothing to ingest. buybox doctor checks it all.")
    Supervisor([Child("ingest", INGEST), Child("worker", ANALYSE)]).run()
