"""The tasks of upkeep: where they go on, what they say when there was something to mend."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import psycopg
from structlog.testing import capture_logs

from db.jobs import sweep_unheld
from tests.alerting import Story
from tests.economy import fees, set_fees
from tests.interleave import column, deliver, fetch_job, letter
from worker.alerts import task as alerts_task
from worker.alerts import ticking
from worker.analysis import task
from worker.analysis.reassessment import ask_for_new_days


def told_by(app, name: str) -> list[tuple[str, str, object]]:
    """What a run of the task writes into the log: the level, the event, what or how many."""
    with capture_logs() as lines:
        app.tasks[name](timestamp=0)
    return [(line["log_level"], line["event"], line.get("products")) for line in lines]


def lose_jobs(conn) -> None:
    """Products that nobody holds, for longer than a sweep waits."""
    conn.execute("DELETE FROM procrastinate_jobs")
    conn.execute("UPDATE worker_notifications SET received_at = now() - interval '2 min'")


def test_a_product_that_nobody_held_is_an_error_in_the_log_once(app, conn):
    deliver(conn, letter())
    lose_jobs(conn)
    assert told_by(app, "sweep_unheld") == [("error", "products_swept", 1)]
    assert told_by(app, "sweep_unheld") == []


def test_a_sweep_goes_on_where_the_one_before_it_ended(app, conn, monkeypatch):
    monkeypatch.setitem(sweep_unheld.__kwdefaults__, "max_looked_at", 1)
    deliver(conn, *(letter(asin=f"B0SWEPT{n:03d}") for n in range(3)))
    lose_jobs(conn)
    for _ in range(3):
        app.tasks["sweep_unheld"](timestamp=0)
    assert column(conn, "SELECT count(*) FROM procrastinate_jobs") == [3]


def test_jobs_that_were_put_back_are_named_in_the_log(app, conn):
    deliver(conn, letter())
    product = fetch_job(conn)["args"]["product"]
    assert told_by(app, "rescue_stalled_jobs") == [("warning", "jobs_rescued", [product])]
    assert told_by(app, "rescue_stalled_jobs") == []


def test_fees_of_a_day_that_has_begun_are_asked_for(app, known):
    today = datetime.now(ZoneInfo("Europe/London")).date()
    set_fees(known, *fees(valid_to=today))
    set_fees(known, *fees(rate="0.20", valid_from=today, prefix="new"))
    ask_for_new_days(known, now=datetime.now(UTC) - timedelta(hours=30))
    known.execute("DELETE FROM reassessments")
    known.execute("DELETE FROM procrastinate_jobs")
    app.tasks["reassess_new_days"](timestamp=0)
    assert fetch_job(known)["task_name"] == "reassess"


def test_a_database_that_is_busy_puts_reassessing_off(app, monkeypatch):
    """A job that failed would stay as one, and stand among the failures for a week."""

    def busy(*_, **__):
        raise psycopg.errors.LockNotAvailable

    monkeypatch.setattr(task, "reassess_waiting", busy)
    with capture_logs() as lines:
        app.tasks["reassess"].func(SimpleNamespace(should_abort=lambda: False), timestamp=0)
    assert [line["event"] for line in lines] == ["reassessment_put_off"]


def test_a_tick_without_time_for_all_goes_on_behind_the_messages_that_wait(conn, monkeypatch):
    """A flood: a worker with one slot would analyse nothing until all of it has been looked at."""
    monkeypatch.setattr(ticking, "ALERTS_AT_ONCE", 1)
    for asin in ("B000000001", "B000000002"):
        Story(conn, asin=asin).see("critical", 0)
    story = Story(conn, asin="B000000003")
    conn.execute("DELETE FROM procrastinate_jobs")
    story.file("critical", 0)
    assert ticking.tick(conn, now=story.at(70), seconds=0) == 1
    in_line = (
        "SELECT task_name FROM procrastinate_jobs WHERE queue_name <> 'delivery'"
        " ORDER BY priority DESC, id"
    )
    assert column(conn, in_line) == ["analyse_product", "tick_alerts"]
    assert ticking.tick(conn, now=story.at(70), seconds=0) == 1
    assert column(conn, in_line) == ["analyse_product", "tick_alerts"]


def test_the_task_of_the_tick_gives_way_to_messages_as_reassessing_does(app, monkeypatch):
    given = []
    monkeypatch.setattr(alerts_task, "tick", lambda *_, seconds, **__: given.append(seconds))
    app.tasks["tick_alerts"].func(SimpleNamespace(should_abort=lambda: False), timestamp=0)
    assert given == [task.REASSESS_TURN_S]
