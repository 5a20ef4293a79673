"""A dead letter of analysis whose notification's body retention has dropped since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from db.failures import list_failures
from db.jobs import ensure_partitions
from tests.interleave import FILER, PRODUCT, column, deliver, fetch_job, letter, work
from worker.analysis import decide
from worker.errors import PermanentError
from worker.ingest.filing import file_letters
from worker.ingest.redrive import redrive

LONG_AGO = datetime.now(UTC) - timedelta(days=40)
KEPT = {"status": "processed", "received_at": LONG_AGO, "message_id": "m-1"}


@pytest.fixture
def message(conn, monkeypatch):
    """It came long ago, met a bug that is mended now, and the bodies of its day are gone."""
    ensure_partitions(conn, now=LONG_AGO)
    one = letter(message_id="m-1")
    file_letters(conn, [one], FILER, now=LONG_AGO)

    def apply_event(*_):
        raise PermanentError("a bug of ours")

    with monkeypatch.context() as bug:
        bug.setattr(decide, "apply_event", apply_event)
        assert work(conn).failed == 1
    conn.execute(f"DROP TABLE notification_bodies_{LONG_AGO:%Y%m%d}")
    return one


def redriven(conn):
    """What the command says of the one open dead letter."""
    (dead,) = list_failures(conn)
    (done,) = redrive(conn, [dead.id], FILER, now=datetime.now(UTC))
    return done


def test_one_redrive_is_enough(conn, message):
    assert redriven(conn).resolution == "redriven"
    assert fetch_job(conn)["lock"] == PRODUCT
    done = work(conn)
    assert (done.processed, done.failed) == (1, 0)
    assert list_failures(conn) == []
    assert conn.execute(
        "SELECT status, received_at, message_id FROM worker_notifications"
    ).fetchall() == [tuple(KEPT.values())]
    for table in ("competitive_history", "current_state"):
        assert column(conn, f"SELECT count(*) FROM {table}") == [1]


def test_its_body_lies_among_those_of_today_and_stays_as_long_as_they_do(conn, message):
    redriven(conn)
    assert conn.execute(
        "SELECT tableoid::regclass::text, body FROM notification_bodies"
    ).fetchall() == [
        (f"notification_bodies_{datetime.now(UTC):%Y%m%d}", message.arrival.body.decode())
    ]
    assert column(conn, "SELECT body FROM ops.worker_notifications") == [
        message.arrival.body.decode()
    ]


def test_the_same_message_is_a_repeat_as_before(conn, message):
    redriven(conn)
    work(conn)
    assert deliver(conn, message).repeats == 1
    assert column(conn, "SELECT count(*) FROM worker_notifications") == [1]


def test_beside_it_one_that_has_its_body_keeps_the_facts_that_it_has(conn, message):
    file_letters(conn, [letter(asin="B000000002")], FILER, now=LONG_AGO + timedelta(days=2))
    conn.execute("UPDATE worker_notifications SET status = 'failed' WHERE status = 'waiting'")
    before = conn.execute("SELECT b::text FROM notification_bodies AS b").fetchall()
    conn.execute(
        "INSERT INTO worker_failures (stage, error_type, error_message, first_failed_at,"
        " last_failed_at, trace_id, source, worker_id, body_hash, raw_body, notification_row_id)"
        " SELECT 'analysis', 'KeyError', 'no', now(), now(), n.trace_id, n.source, 'w',"
        " n.body_hash, '', n.id FROM worker_notifications AS n WHERE asin = 'B000000002'"
    )
    ids = [dead.id for dead in list_failures(conn)]
    done = redrive(conn, ids, FILER, now=datetime.now(UTC))
    assert [one.resolution for one in done] == ["redriven", "redriven"]
    after = conn.execute("SELECT b::text FROM notification_bodies AS b").fetchall()
    assert (len(after), set(before) < set(after)) == (2, True)
    assert work(conn).processed == 1
    assert work(conn, PRODUCT.split(":")[0] + ":B000000002").processed == 1


def test_one_that_nobody_has_kept_stays_open_and_says_so(conn, message):
    """It was dropped before its first analysis, so that the dead letter has none either."""
    conn.execute("UPDATE worker_failures SET raw_body = ''")
    done = redriven(conn)
    assert done.resolution is None
    assert "dropped by retention" in done.error
    assert len(list_failures(conn)) == 1
    assert column(conn, "SELECT status FROM worker_notifications") == ["failed"]
    assert fetch_job(conn) is None


def test_one_that_the_door_refuses_by_now_stays_open_with_the_reason(conn, message):
    conn.execute("UPDATE worker_failures SET raw_body = '{'")
    done = redriven(conn)
    assert done.resolution is None
    assert "not JSON" in done.error
    assert [dead.stage for dead in list_failures(conn)] == ["analysis"]
    assert column(conn, "SELECT status FROM worker_notifications") == ["failed"]


def test_one_whose_keys_are_gone_too_comes_as_a_new_notification(conn, message):
    """Its row may go after 30 days, and the dead letter is all that is left of it."""
    conn.execute("DELETE FROM worker_notifications")
    assert redriven(conn).resolution == "redriven"
    assert list_failures(conn) == []
    done = work(conn)
    assert (done.processed, done.failed) == (1, 0)
    assert column(conn, "SELECT source FROM worker_notifications") == ["redrive"]
