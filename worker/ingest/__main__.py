"""`python -m worker.ingest`, also `buybox ingest`: the ingester as a process."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from process.logs import configure_logs
from process.memory import spare_the_collector
from process.settings import SettingsError
from process.watchdog import Watchdog
from worker.ingest.service import Ingester
from worker.settings import Settings, load_settings
from worker.starting import check_database


def run(settings: Settings) -> None:
    """Ingest until SIGTERM or SIGINT. Raises SettingsError when it never could."""
    if not settings.sqs_queue_url:
        raise SettingsError(
            "SQS_QUEUE_URL is not set: it names the queue to read, "
            "for example https://sqs.eu-west-1.amazonaws.com/123456789012/notifications"
        )
    watchdog = Watchdog(settings.hang_seconds)
    with watchdog.watching("the start"):
        check_database(settings)
    ingester = Ingester(settings, watchdog=watchdog)

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        ingester.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    spare_the_collector()
    ingester.run()


def main() -> int:
    """The process. Exit codes: 0 stopped as asked, 1 it cannot start, 75 it hung."""
    try:
        settings = load_settings()
        configure_logs(settings, process="ingest")
        run(settings)
    except SettingsError as error:
        print(f"buybox: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
