"""`buybox run`: ingester and worker under one supervisor, for the smallest plan."""

from __future__ import annotations

import sys

from process.logs import configure_logs
from process.settings import SettingsError
from worker.cli.common import fail, settings_or_fail
from worker.starting import check_database
from worker.supervise import Child, Supervisor

INGEST = (sys.executable, "-m", "worker.ingest")
ANALYSE = (sys.executable, "-m", "procrastinate", "--app=worker.app.app", "worker")


def run() -> None:
    """Run the ingester and a worker together, and restart whichever exits.

    For a plan with room for one service only; with more room, deploy them apart, so that each
    can be restarted and scaled by itself.

    Example:
    - `buybox run`
    """
    settings = settings_or_fail()
    configure_logs(settings, process="supervisor")
    try:
        check_database(settings)
    except SettingsError as error:
        fail(str(error))
    if not settings.sqs_queue_url:
        fail("SQS_QUEUE_URL is not set: there is nothing to ingest. buybox doctor checks it all.")
    Supervisor([Child("ingest", INGEST), Child("worker", ANALYSE)]).run()
