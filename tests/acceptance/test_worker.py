"""The worker as a process: killed in the middle, restarted, cut off; each product exactly once."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest

from db.feed import listen_for, read_feed, start_listening
from process.watchdog import EXIT_CODE as HANGS
from tests.factories import any_offer_changed, body
from tests.processes import KILLABLE, WORKER, CuttableProxy, Process, wait_for
from worker.ingest.filing import Filer, file_letters, open_letter
from worker.ingest.notification import Arrival

pytestmark = pytest.mark.acceptance

Start = Callable[..., Process]

QUICK = {
    "HEARTBEAT_SECONDS": "0.5",
    "STALLED_AFTER_SECONDS": "2",
    "FETCH_INTERVAL_SECONDS": "0.2",
}


def ingest(conn: psycopg.Connection, count: int, *, products: int = 1) -> None:
    now = datetime.now(UTC)
    bodies = [body(any_offer_changed(asin=f"B0TEST{n % products:04d}")) for n in range(count)]
    letters = [
        open_letter(Arrival(one, message_id=f"m-{now}-{n}"), now=now)
        for n, one in enumerate(bodies)
    ]
    filed = file_letters(conn, letters, Filer("test", {}), now=now)
    assert filed.stored == count


def processed(conn: psycopg.Connection) -> int:
    return conn.execute(
        "SELECT count(*) FROM worker_notifications WHERE status = 'processed'"
    ).fetchone()[0]


def waits_for_a_lock(conn: psycopg.Connection) -> bool:
    row = conn.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'buybox analysis' "
        "AND wait_event_type = 'Lock' AND datname = current_database()"
    ).fetchone()
    return row[0] > 0


def wait_until_registered(conn: psycopg.Connection, worker: Process) -> None:
    wait_for(
        lambda: conn.execute("SELECT 1 FROM procrastinate_workers").fetchone(),
        f"a registered worker: {worker.output()}",
    )


def listens(conn: psycopg.Connection) -> bool:
    """Whether a worker waits for bells, which it stops doing when it is told to stop."""
    row = conn.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'buybox procrastinate' "
        "AND query LIKE 'LISTEN%' AND datname = current_database()"
    ).fetchone()
    return row[0] > 0


def test_a_kill_inside_t2_loses_nothing_and_doubles_nothing(
    start: Start,
    conn: psycopg.Connection,
    open_connection: Callable[..., psycopg.Connection],
    database_url: str,
) -> None:
    ingest(conn, 12)
    blocker = open_connection()
    blocker.execute("LOCK TABLE competitive_history IN ACCESS EXCLUSIVE MODE")

    first = start(WORKER, "first", DATABASE_URL=database_url, **QUICK)
    wait_for(lambda: waits_for_a_lock(conn), f"T2 in the middle: {first.output()}")
    first.kill()
    blocker.rollback()
    assert processed(conn) == 0
    stuck = conn.execute(
        "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
    ).fetchone()
    assert stuck[0] > 0, "the killed worker's job still holds its product"

    start(WORKER, "second", DATABASE_URL=database_url, **QUICK)
    wait_for(lambda: processed(conn) == 12, "everything processed after the restart", timeout_s=60)

    assert conn.execute("SELECT count(*) FROM competitive_history").fetchone() == (12,)
    wait_for(
        lambda: conn.execute(
            "SELECT count(*) = 0 FROM procrastinate_jobs WHERE queue_name = 'analysis'"
        ).fetchone()[0],
        "no job left",
    )
    swept = conn.execute(
        "SELECT value FROM worker_counters WHERE name = 'swept_products'"
    ).fetchone()
    assert swept in (None, (0,)), "the rescue is enough, the sweeper found nothing"


def test_a_message_that_kills_its_worker_each_time_is_a_dead_letter_in_the_end(
    start: Start, conn: psycopg.Connection, database_url: str
) -> None:
    """Until the first of them is missed each takes it along; then it is alone, and then counted."""
    products = 6
    ingest(conn, products, products=products)
    killed_by = conn.execute(
        "SELECT trace_id FROM worker_notifications ORDER BY id DESC LIMIT 1"
    ).fetchone()[0]
    more = {**QUICK, "KILLED_BY": killed_by, "MAX_RECEIVE_COUNT": "1"}
    died = 0
    while True:
        worker = start(KILLABLE, f"worker-{died}", DATABASE_URL=database_url, **more)
        wait_for(
            lambda worker=worker: (
                not worker.alive() or (processed(conn) == products - 1 and dead(conn))
            ),
            f"the worker's end, or that of the work: {worker.output()}",
            timeout_s=60,
        )
        if worker.alive():
            break
        assert worker.wait(0) == -signal.SIGKILL, worker.output()
        died += 1
        assert died <= products + 2, "each of their jobs, and then it is tried again and again"
    assert dead(conn) == [(killed_by, "WorkerDiedError")]


def dead(conn: psycopg.Connection) -> list[tuple[str, str]]:
    return conn.execute("SELECT trace_id, error_type FROM worker_failures").fetchall()


def test_a_bell_rings_within_moments_of_the_commit_and_the_feed_has_the_change(
    start: Start,
    conn: psycopg.Connection,
    open_connection: Callable[..., psycopg.Connection],
    database_url: str,
) -> None:
    worker = start(WORKER, "worker", DATABASE_URL=database_url)
    wait_until_registered(conn, worker)
    listener = open_connection(autocommit=True)
    start_listening(listener)
    cursor = read_feed(listener, None).next_cursor

    ingest(conn, 1)
    payload = json.loads(next(iter(listen_for(listener, timeout_s=20))))

    page = read_feed(listener, cursor)
    assert payload == {
        "v": 1,
        "changed": [[row.product_key, row.severity] for row in page.rows],
        "more": False,
    }
    assert len(page.rows) == 1
    assert page.rows[0].trace_id.startswith("m-")


def test_a_log_line_of_each_step_carries_the_trace_of_its_messages(
    start: Start, conn: psycopg.Connection, database_url: str
) -> None:
    worker = start(WORKER, "worker", DATABASE_URL=database_url)
    ingest(conn, 1)
    wait_for(lambda: processed(conn) == 1, "the message processed")
    trace_id = conn.execute("SELECT trace_id FROM worker_notifications").fetchone()[0]
    worker.says('"analysed"')

    lines = [json.loads(line) for line in worker.output().splitlines() if line.startswith("{")]
    (analysed,) = [line for line in lines if line["event"] == "analysed"]
    assert analysed["trace_ids"] == [trace_id]
    assert analysed["bell"] is True


def test_sigterm_lets_a_worker_finish_and_leave(
    start: Start, conn: psycopg.Connection, database_url: str
) -> None:
    worker = start(WORKER, "worker", DATABASE_URL=database_url)
    ingest(conn, 5)
    wait_for(lambda: processed(conn) == 5, "the messages processed")

    assert worker.terminate() == 0

    assert conn.execute("SELECT count(*) FROM procrastinate_workers").fetchone() == (0,)


def test_a_worker_that_is_told_twice_to_stop_still_finishes_its_job(
    start: Start,
    conn: psycopg.Connection,
    open_connection: Callable[..., psycopg.Connection],
    database_url: str,
) -> None:
    """So does systemd with `buybox run`: it tells every process, and then the supervisor tells."""
    ingest(conn, 1)
    blocker = open_connection()
    blocker.execute("LOCK TABLE competitive_history IN ACCESS EXCLUSIVE MODE")
    worker = start(WORKER, "worker", DATABASE_URL=database_url, **QUICK)
    wait_for(lambda: waits_for_a_lock(conn), f"T2 in the middle: {worker.output()}")
    wait_for(lambda: listens(conn), "the worker listening")

    os.kill(worker.pid, signal.SIGTERM)
    wait_for(lambda: not listens(conn), "the worker stopping")
    os.kill(worker.pid, signal.SIGTERM)
    blocker.rollback()

    assert worker.wait(30) == 0
    assert processed(conn) == 1
    assert conn.execute(
        "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
    ).fetchone() == (0,)


def test_a_worker_that_is_told_to_stop_before_it_has_begun_ends_at_once(
    start: Start, open_connection: Callable[..., psycopg.Connection], database_url: str
) -> None:
    open_connection().execute("LOCK TABLE procrastinate_workers IN ACCESS EXCLUSIVE MODE")
    worker = start(WORKER, "worker", DATABASE_URL=database_url)
    worker.says("worker_ready")
    assert worker.terminate() == -signal.SIGTERM


def test_a_worker_that_loses_the_database_exits_and_its_successor_goes_on(
    start: Start, cuttable: CuttableProxy, conn: psycopg.Connection
) -> None:
    first = start(WORKER, "first", DATABASE_URL=cuttable.database_url, **QUICK)
    wait_until_registered(conn, first)
    cuttable.cut()
    first.wait(90)
    ingest(conn, 3)

    cuttable.mend()
    start(WORKER, "second", DATABASE_URL=cuttable.database_url, **QUICK)
    wait_for(lambda: processed(conn) == 3, "the successor's work")


def test_a_worker_whose_database_answers_no_more_ends_itself(
    start: Start, cuttable: CuttableProxy, conn: psycopg.Connection
) -> None:
    worker = start(WORKER, "worker", DATABASE_URL=cuttable.database_url, HANG_SECONDS="10", **QUICK)
    wait_until_registered(conn, worker)

    cuttable.freeze()

    assert worker.wait(40) == HANGS
    assert '"event": "hangs"' in worker.output()


def test_a_worker_whose_job_hangs_ends_itself_though_its_heart_beats(
    start: Start, cuttable: CuttableProxy, conn: psycopg.Connection
) -> None:
    worker = start(WORKER, "worker", DATABASE_URL=cuttable.database_url, HANG_SECONDS="10", **QUICK)
    ingest(conn, 1)
    wait_for(lambda: processed(conn) == 1, f"a first T2: {worker.output()}")

    cuttable.freeze("buybox analysis")
    ingest(conn, 1)

    assert worker.wait(60) == HANGS
    assert '"what": "analysis"' in worker.output()


def test_several_workers_share_the_work_and_do_each_message_once(
    start: Start, conn: psycopg.Connection, database_url: str
) -> None:
    ingest(conn, 60)
    for name in ("one", "two", "three"):
        start(WORKER, name, DATABASE_URL=database_url, WORKER_ID=name, **QUICK)

    wait_for(lambda: processed(conn) == 60, "everything processed", timeout_s=60)
    per_message = conn.execute(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM competitive_history "
        "GROUP BY notification_row_id) AS c"
    ).fetchone()
    assert per_message == (1,)


def test_without_a_database_url_it_says_so_in_one_sentence(start: Start) -> None:
    worker = start(WORKER, "worker")
    assert worker.wait(20) != 0
    assert "buybox: DATABASE_URL is not set" in worker.output()
    assert "Traceback" not in worker.output()
