"""T2: one product, one hand. Two workers, stale workers, and messages that arrive in between."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress

import psycopg
import pytest
from msgspec.structs import replace

from db import products as sql
from db.connect import connect
from db.feed import STATE_CHANNEL
from db.migrate import migrate
from db.sql import query
from tests.factories import GB
from tests.interleave import (
    JOB_CHANNELS,
    PRODUCT,
    Background,
    Ear,
    analyst,
    begin,
    column,
    counts,
    deliver,
    fetch_job,
    finish_job,
    letter,
    until_blocked,
    work,
)
from worker.analysis import transaction
from worker.analysis.analyse import analyse
from worker.analysis.transaction import Analysed
from worker.errors import StateMovedError

pytestmark = pytest.mark.usefixtures("siblings")


def statuses(conn):
    return column(conn, "SELECT status FROM worker_notifications ORDER BY id")


def version(conn):
    return column(conn, "SELECT version FROM current_state")


def test_a_second_worker_waits_for_the_first_and_finds_nothing(conn, open_connection):
    deliver(conn, letter(), letter())
    first = begin(open_connection())
    assert work(first).processed == 2
    second = Background(work, open_connection(), worker_id="worker-2").until_blocked(conn)
    first.commit()
    assert second.result() == Analysed()
    assert counts(conn)["competitive_history"] == 2
    assert version(conn) == [1]


def test_a_second_worker_does_it_all_when_the_first_one_dies(conn, open_connection):
    deliver(conn, letter(), letter())
    first = begin(open_connection())
    work(first)
    second = Background(work, open_connection(), worker_id="worker-2").until_blocked(conn)
    first.rollback()
    assert second.result().processed == 2
    assert set(column(conn, "SELECT processed_by FROM worker_notifications")) == {"worker-2"}
    assert counts(conn)["competitive_history"] == 2


def test_other_products_do_not_wait(conn, open_connection):
    deliver(conn, letter(), letter(asin="B0OTHER001"))
    assert len([fetch_job(conn), fetch_job(conn)]) == 2  # each has its worker
    first = begin(open_connection())
    assert work(first).processed == 1
    assert work(open_connection(lock_timeout="1ms"), f"{GB}:B0OTHER001").processed == 1
    first.rollback()


@pytest.mark.parametrize("arrives", ["before T2 commits", "after T2 commits"])
def test_a_message_that_arrives_during_t2_is_found_by_the_second_look(
    conn, open_connection, arrives
):
    deliver(conn, letter(event_time="2025-03-04T10:00:01Z"))
    job = fetch_job(conn)
    worker, ingester = begin(open_connection()), begin(open_connection())
    deliver(ingester, letter(event_time="2025-03-04T10:00:02Z"))
    assert work(worker).claimed == 1  # it cannot see what is not committed
    if arrives == "before T2 commits":
        ingester.commit()
        worker.commit()
    else:
        worker.commit()
        assert work(worker).claimed == 0
        worker.commit()
        ingester.commit()
    assert work(open_connection()).processed == 1
    finish_job(conn, job["id"])
    assert statuses(conn) == ["processed", "processed"]
    assert fetch_job(conn) is None  # its own job was answered with it


def test_a_message_that_arrives_after_the_last_look_has_a_job_of_its_own(conn, open_connection):
    deliver(conn, letter())
    job = fetch_job(conn)
    ingester = begin(open_connection())
    deliver(ingester, letter())
    assert work(conn).claimed == 1
    assert work(conn).claimed == 0
    finish_job(conn, job["id"])
    ingester.commit()
    (again,) = [fetch_job(conn)]
    assert again["lock"] == PRODUCT
    assert work(conn).processed == 1


def test_the_same_job_twice_has_its_effects_once(conn, open_connection):
    deliver(conn, letter())
    assert work(conn).processed == 1
    before, ear = counts(conn), Ear(open_connection, STATE_CHANNEL, *JOB_CHANNELS)
    assert work(conn) == Analysed()
    assert counts(conn) == before
    assert ear.heard() == []


def test_a_t2_that_is_rolled_back_leaves_nothing(conn, open_connection):
    deliver(conn, letter(), letter())
    before, ear = counts(conn), Ear(open_connection, STATE_CHANNEL, *JOB_CHANNELS)
    worker = begin(open_connection())
    assert work(worker).processed == 2
    assert counts(worker)["procrastinate_jobs"] == 0
    assert counts(worker)["competitive_history"] == 2
    worker.rollback()
    assert counts(conn) == before
    assert statuses(conn) == ["waiting", "waiting"]
    assert ear.heard() == []
    assert work(conn).processed == 2
    (bell,) = ear.heard()
    ((product, severity),) = json.loads(bell.payload)["changed"]
    assert [(PRODUCT, severity)] == [(product, *column(conn, "SELECT severity FROM current_state"))]


@pytest.mark.parametrize(
    "step",
    [
        "upsert_states",
        "append_history",
        "mark_processed",
        "delete_waiting_jobs",
        "ring_state_bell",
    ],
)
def test_a_connection_lost_at_any_step_leaves_nothing(conn, open_connection, monkeypatch, step):
    """Every write is in the one transaction: wherever it ends, all of it is gone."""
    deliver(conn, letter())
    before, ear = counts(conn), Ear(open_connection, STATE_CHANNEL)
    done = getattr(sql, step)

    def then_die(worker, *args, **options):
        done(worker, *args, **options)
        conn.execute("SELECT pg_terminate_backend(%s)", (worker.info.backend_pid,))
        worker.execute("SELECT 1")

    monkeypatch.setattr(sql, step, then_die)
    with pytest.raises(psycopg.OperationalError):
        work(open_connection())
    monkeypatch.undo()
    assert counts(conn) == before
    assert ear.heard() == []
    assert work(conn).processed == 1


class TestAStaleWorker:
    def test_that_read_the_state_before_it_moved_writes_nothing(self, conn, monkeypatch):
        deliver(conn, letter(event_time="2025-03-04T10:00:01Z"))
        work(conn)
        stale = sql.lock_states(conn, [tuple(PRODUCT.split(":"))])
        deliver(conn, letter(event_time="2025-03-04T10:00:02Z"))
        work(conn)
        assert version(conn) == [2]
        deliver(conn, letter(event_time="2025-03-04T10:00:03Z"))
        before = counts(conn)
        monkeypatch.setattr(sql, "lock_states", lambda *_: stale)
        with pytest.raises(StateMovedError):
            work(conn, worker_id="stale")
        monkeypatch.undo()
        assert counts(conn) == before
        assert version(conn) == [2]
        assert work(conn).processed == 1
        assert version(conn) == [3]

    def test_that_believed_to_make_the_first_state_writes_nothing(self, conn, open_connection):
        """Neither sees the other's row, and there is none yet to lock: the key and version decide."""
        deliver(conn, letter(event_time="2025-03-04T10:00:01Z"))
        first = begin(open_connection())
        assert work(first).processed == 1
        deliver(conn, letter(event_time="2025-03-04T10:00:02Z"))
        (newer,) = column(conn, "SELECT max(id) FROM worker_notifications")
        stale = Background(
            transaction.transact,
            open_connection(),
            [PRODUCT],
            analyst("stale"),
            only_row_id=newer,
        ).until_blocked(conn)
        first.commit()
        with pytest.raises(StateMovedError):
            stale.result()
        assert statuses(conn) == ["processed", "waiting"]
        assert counts(conn)["competitive_history"] == 1
        assert work(conn).processed == 1
        assert version(conn) == [2]

    def test_that_marks_what_another_has_marked_writes_nothing(self, conn, monkeypatch):
        """A health message for which nothing changes writes no state: the mark is the guard."""
        deliver(conn, letter(event_time="2025-03-04T10:00:02Z"))
        work(conn)
        deliver(conn, letter(event_time="2025-03-04T10:00:01Z"))  # late: history only
        claimed = sql.claim_notifications(conn, [PRODUCT], now=analyst().clock(), max_rows=9)
        work(conn)
        before = counts(conn)
        monkeypatch.setattr(sql, "claim_notifications", lambda *_, **__: claimed)
        with pytest.raises((StateMovedError, psycopg.errors.UniqueViolation)):
            transaction.transact(conn, [PRODUCT], analyst("stale"))
        assert counts(conn) == before

    def test_that_would_note_lows_over_a_newer_state_notes_nothing(self, conn):
        deliver(conn, letter())
        work(conn)
        (state,) = sql.lock_states(conn, [tuple(PRODUCT.split(":"))])
        newer, stale = (replace(state, version=state.version + n) for n in (1, 0))
        assert sql.note_lows(conn, [stale]) == 0
        assert sql.note_lows(conn, [newer]) == 1
        assert sql.note_lows(conn, [newer]) == 0
        assert version(conn) == [2]

    def test_cannot_take_event_time_back(self, conn):
        deliver(conn, letter(event_time="2025-03-04T10:00:05Z"))
        work(conn)
        (state,) = sql.lock_states(conn, [tuple(PRODUCT.split(":"))])
        older = replace(
            state, version=state.version + 1, event_time=state.event_time.replace(second=4)
        )
        now = analyst().clock()
        assert sql.upsert_states(conn, [older], now=now, worker_id="stale") == []
        same = replace(state, version=state.version + 1)
        assert len(sql.upsert_states(conn, [same], now=now, worker_id="w")) == 1


def test_two_workers_over_many_products_never_clash(conn, open_connection):
    """Both want all of the same products, in opposite orders: they queue, they do not deadlock."""
    asins = [f"B0{n:08d}" for n in range(30)]
    deliver(conn, *(letter(asin=asin) for asin in asins))
    names = [f"{GB}:{asin}" for asin in asins]
    gate = begin(open_connection())
    gate.execute(
        "SELECT 1 FROM worker_notifications WHERE product_key = %s FOR UPDATE", (names[9],)
    )
    both = [
        Background(analyse, open_connection(), order, analyst(f"worker-{n}"))
        for n, order in enumerate((names, names[::-1]))
    ]
    until_blocked(conn, backends=2)
    gate.commit()
    assert sorted(one.result().processed for one in both) == [0, 30]


LOCALES = ("LOCALE_PROVIDER icu ICU_LOCALE 'und'", "LOCALE 'en_US.UTF-8'", "LOCALE 'en_GB.UTF-8'")


@pytest.fixture
def dictionary_url(pg_server):
    """A database that sorts text as a dictionary does, as most hosted ones do: a, B, c."""
    name = f"buybox_dictionary_{os.getpid()}"
    with connect(pg_server.url, autocommit=True) as admin:
        for locale in LOCALES:
            with suppress(psycopg.errors.FeatureNotSupported, psycopg.errors.WrongObjectType):
                admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 {locale}")
                break
        else:
            pytest.skip("this server knows no such order (the embedded one does not)")
        migrate(pg_server.url_of(name))
        yield pg_server.url_of(name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_guard_of_event_time_breaks_ties_by_code_point():
    """As Python does; the order of the database's language would put "a" before "B"."""
    (tie,) = re.findall(r"EXCLUDED\.event_key[^)]*(?=\)\s*>=)", query("upsert_states"))
    assert tie == 'EXCLUDED.event_key COLLATE "C"'


def test_ties_are_broken_alike_by_the_rules_and_by_the_database(dictionary_url):
    """Two events of one instant: if the two disagreed which is newer, the product would be stuck."""
    with connect(dictionary_url, autocommit=True) as conn:
        for key in ("B-1", "a-1", "C-1", "b-1"):
            deliver(conn, letter(notification_id=key))
            assert work(conn).processed == 1
        assert column(conn, "SELECT event_key FROM current_state") == ["b-1"]
        assert column(
            conn, "SELECT outcome FROM competitive_history ORDER BY notification_row_id"
        ) == ["applied", "applied", "late", "applied"]
