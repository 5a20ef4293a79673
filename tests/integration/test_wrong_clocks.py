"""A process whose clock is wrong: it does no harm to the others, and they know whether it lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import procrastinate
import pytest
from procrastinate.testing import InMemoryConnector

from tests.alerting import market
from tests.delivery import (
    HOUR,
    VAULT,
    Cabinet,
    add_alert,
    add_message,
    add_route,
    deliveries,
    dispatch,
    statuses,
)
from tests.factories import GB
from tests.interleave import (
    PRODUCT,
    analyst,
    column,
    deliver,
    fetch_job,
    finish_job,
    letter,
    register_worker,
    work,
)
from worker.alerts.storing import record_delivery
from worker.analysis import decide
from worker.analysis.task import register_analysis, register_maintenance
from worker.analysis.transaction import Analyst
from worker.delivery.courier import Courier
from worker.delivery.deliver import Desk, rescue, take_next
from worker.delivery.outcome import Accepted
from worker.delivery.task import register_delivery
from worker.ingest.gate import Gate
from worker.ingest.tally import Tally
from worker.ingest.watchman import Watchman
from worker.settings import Settings

SILENT, MAX_RUNTIME = timedelta(seconds=30), timedelta(minutes=5)

WRONG = pytest.mark.parametrize("wrong", [timedelta(hours=1), timedelta(hours=-1)])


@WRONG
def test_a_worker_rescues_the_jobs_of_who_is_silent_and_nobody_else_s(conn, pool, wrong):
    """Signs of life are written with the database's clock, and only that one can tell silence."""
    app = procrastinate.App(connector=InMemoryConnector())
    analyst = Analyst("w", clock=lambda: datetime.now(UTC) + wrong)
    register_maintenance(app, pool, analyst, silent=SILENT, max_runtime=MAX_RUNTIME)
    deliver(conn, letter())
    fetch_job(conn, worker=register_worker(conn))
    status = "SELECT status::text FROM procrastinate_jobs"

    app.tasks["rescue_stalled_jobs"](timestamp=0)
    assert column(conn, status) == ["doing"]

    conn.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'")
    app.tasks["rescue_stalled_jobs"](timestamp=0)
    assert column(conn, status) == ["todo"]


def test_housekeeping_strikes_off_nobody_who_is_alive(conn, pool):
    app = procrastinate.App(connector=InMemoryConnector())
    analyst = Analyst("w", clock=lambda: datetime.now(UTC) + timedelta(days=2))
    register_maintenance(app, pool, analyst, silent=SILENT, max_runtime=MAX_RUNTIME)
    worker = register_worker(conn)
    app.tasks["keep_house"](timestamp=0)
    assert column(conn, "SELECT id FROM procrastinate_workers") == [worker]


@pytest.mark.parametrize("behind", [timedelta(seconds=5), timedelta(hours=1)])
def test_what_failed_is_tried_again_when_the_queue_says_that_it_is_time(
    conn, pool, monkeypatch, behind
):
    """The queue goes by the database's clock: to a worker whose own is behind nothing was due when it
    was woken, and nobody wakes it twice. The sweeper did it a minute later, and told of a lost job."""
    app = procrastinate.App(connector=InMemoryConnector())
    register_analysis(app, pool, analyst(later=-behind))
    deliver(conn, letter())
    with monkeypatch.context() as patch:
        patch.setattr(decide, "apply_event", lambda *_: 1 / 0)
        work(conn, later=-behind)

    wake = fetch_job(conn)
    app.tasks[wake["task_name"]](**wake["args"])
    finish_job(conn, wake["id"])
    job = fetch_job(conn)
    assert (job and job["lock"]) == PRODUCT
    assert work(conn, later=-behind).processed == 1
    assert column(conn, "SELECT status::text FROM procrastinate_jobs") == ["doing"]


@WRONG
def test_an_ingester_that_lives_is_seen_to_live(conn, database_url, wrong):
    """Else it would be lost from its first beat on, or seem alive for an hour after its death."""
    watching = Watchman(
        Settings(database_url=database_url, worker_id="i"),
        Gate(),
        Tally(),
        queues=[],
        dead_letters=None,
        clock=lambda: datetime.now(UTC) + wrong,
    )
    watching.look()
    (found,) = conn.execute(
        "SELECT state, abs(extract(epoch FROM silent_for)) < 60,"
        " abs(extract(epoch FROM now() - started_at)) < 60 FROM ops.worker_health"
    ).fetchall()
    assert found == ("running", True, True)
    watching.farewell()


def test_an_alert_in_a_hurry_does_not_wait_for_a_clock_that_is_behind(conn, pool):
    """To the worker that decides nothing was due, and nobody would have asked again for a minute."""
    app = procrastinate.App(connector=InMemoryConnector())
    behind = courier_desk("w", timedelta(seconds=-5))
    register_delivery(app, pool, Courier(pool, behind, threads=0))
    at = datetime.now(UTC)
    add_message(conn, add_alert(conn, at=at), at=at)
    app.tasks["dispatch_alerts"](timestamp=0)
    assert statuses(conn) == ["delivered"]


def test_an_alert_in_a_hurry_is_due_whatever_clock_raised_it(conn):
    """The others would wait until it is so late with them too."""
    asin = "B0HURRY001"
    deliver(conn, letter(market("critical", datetime.now(UTC), asin=asin)))
    work(conn, f"{GB}:{asin}", later=timedelta(seconds=30))
    dispatch(conn, now=datetime.now(UTC))
    assert statuses(conn) == ["delivered"]


def courier_desk(who: str, off: timedelta) -> Desk:
    """A worker's whose clock is off by so much."""
    carrier = Cabinet(Accepted("yes"))
    return Desk(who, carrier, VAULT, record_delivery, clock=lambda: datetime.now(UTC) + off)


@WRONG
@pytest.mark.parametrize("rescuer_is_wrong", [True, False])
def test_what_a_courier_holds_is_taken_from_it_when_its_time_is_over_and_not_before(
    conn, pool, wrong, rescuer_is_wrong
):
    """Else two would send it, or nobody for as long as the clock is wrong."""
    clocks = (timedelta(0), wrong) if rescuer_is_wrong else (wrong, timedelta(0))
    courier, rescuer = (courier_desk(who, off) for who, off in zip("ab", clocks, strict=True))
    add_route(conn)
    long_ago = datetime.now(UTC) - 2 * HOUR
    add_message(conn, add_alert(conn, at=long_ago), at=long_ago)
    dispatch(conn, now=long_ago)
    with pool.connection() as hand:
        assert take_next(hand, courier) is not None

    assert rescue(conn, rescuer) == 0
    conn.execute("UPDATE alert_deliveries SET taken_at = taken_at - interval '61 seconds'")
    assert rescue(conn, rescuer) == 1
    assert deliveries(conn, "status", "failures") == [("queued", 1)]
