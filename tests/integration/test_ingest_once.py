"""T1: nothing twice. Redelivery, two ingesters at once, and messages the database will not have."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from db.failures import list_failures, resolve_failures
from db.feed import STATE_CHANNEL
from tests.factories import OWN_SELLER, any_offer_changed, body, pricing_health
from tests.interleave import (
    FILER,
    JOB_CHANNELS,
    Background,
    Ear,
    begin,
    column,
    counts,
    deliver,
    letter,
    until_blocked,
    work,
)
from worker.ingest.filing import Filed
from worker.ingest.redrive import redrive

SILENT = (*JOB_CHANNELS, STATE_CHANNEL)


def batch(size=10):
    return [letter(asin=f"B0{n:08d}") for n in range(size)]


def test_a_batch_is_filed_with_a_job_for_each_and_one_bell_for_all(conn, open_connection):
    ear = Ear(open_connection, *JOB_CHANNELS)
    assert deliver(conn, *batch()) == Filed(stored=10, jobs=10)
    assert {table: n for table, n in counts(conn).items() if n} == {
        "worker_notifications": 10,
        "notification_bodies": 10,
        "procrastinate_jobs": 10,
    }
    first = min(column(conn, "SELECT id FROM procrastinate_jobs"))
    bell = {"type": "job_inserted", "job_id": first}
    assert [json.loads(one.payload) for one in ear.heard()] == [bell] * len(JOB_CHANNELS)


def test_each_queue_has_its_bell_and_only_analysis_jobs_leave_no_event(conn, open_connection):
    """What procrastinate's own triggers do for any other queue stays as it is."""
    ear = Ear(open_connection, *JOB_CHANNELS, "procrastinate_queue_v1#maintenance")
    conn.execute(
        "SELECT procrastinate_defer_jobs_v1(array_agg(ROW (queue, 'x', 0, NULL, NULL, '{}', NULL)"
        "::procrastinate_job_to_defer_v1)) FROM unnest(ARRAY['analysis', 'maintenance',"
        " 'maintenance']) AS queue"
    )
    assert sorted(one.channel for one in ear.heard()) == sorted(
        [*JOB_CHANNELS, JOB_CHANNELS[0], "procrastinate_queue_v1#maintenance"]
    )
    assert (
        column(
            conn,
            "SELECT queue_name || ' ' || type FROM procrastinate_events AS e"
            " JOIN procrastinate_jobs AS j ON j.id = e.job_id",
        )
        == ["maintenance deferred"] * 2
    )


def test_a_redelivered_batch_adds_no_row_no_job_and_no_bell(conn, open_connection):
    letters = batch()
    deliver(conn, *letters)
    before, ear = counts(conn), Ear(open_connection, *SILENT)
    again = [replace(one, arrival=replace(one.arrival, receive_count=2)) for one in letters]
    assert deliver(conn, *again) == Filed(repeats=10)
    assert counts(conn) == before
    assert ear.heard() == []


def test_a_batch_redelivered_after_analysis_rings_nothing_and_changes_nothing(
    conn, open_connection
):
    letters = batch()
    deliver(conn, *letters)
    products = [f"{one.read.marketplace_id}:{one.read.asin}" for one in letters]
    assert work(conn, *products).processed == 10
    before, ear = counts(conn), Ear(open_connection, *SILENT)
    assert deliver(conn, *letters).repeats == 10
    assert work(conn, *products).claimed == 0
    assert counts(conn) == before
    assert ear.heard() == []


def test_only_the_new_ones_of_a_mixed_batch_are_filed(conn):
    letters = batch()
    deliver(conn, *letters[:7])
    assert deliver(conn, *letters) == Filed(stored=3, repeats=7, jobs=3)


def test_a_second_ingester_waits_and_stores_nothing(conn, open_connection):
    letters, first = batch(), begin(open_connection())
    deliver(first, *letters)
    second = Background(deliver, open_connection(), *letters).until_blocked(conn)
    first.commit()
    before, ear = counts(conn), Ear(open_connection, *SILENT)
    assert second.result() == Filed(repeats=10)
    assert counts(conn) == before
    assert before["procrastinate_jobs"] == 10
    assert ear.heard() == []


def test_a_second_ingester_stores_all_when_the_first_one_rolls_back(conn, open_connection):
    letters, first = batch(), begin(open_connection())
    deliver(first, *letters)
    second = Background(deliver, open_connection(), *letters).until_blocked(conn)
    first.rollback()
    assert second.result() == Filed(stored=10, jobs=10)
    assert counts(conn)["worker_notifications"] == counts(conn)["procrastinate_jobs"] == 10


def test_ingesters_with_different_messages_do_not_wait(open_connection):
    first = begin(open_connection())
    deliver(first, *batch(3))
    assert deliver(open_connection(lock_timeout="1ms"), *batch(3)).stored == 3
    first.rollback()


def test_the_same_notification_in_another_body_and_message_is_a_repeat(conn):
    one = letter(notification_id="n-1")
    other = letter(notification_id="n-1", event_time="2025-03-04T10:15:31.000Z")
    assert one.read.body_hash != other.read.body_hash
    assert deliver(conn, one).stored == 1
    assert deliver(conn, other) == Filed(repeats=1)


def test_the_same_notification_id_of_another_type_is_none(conn):
    deliver(conn, letter(notification_id="n-1"))
    assert deliver(conn, letter(pricing_health(notification_id="n-1"))).stored == 1


def test_the_same_notification_twice_in_one_batch_is_filed_once(conn):
    one = letter(notification_id="n-1")
    other = letter(notification_id="n-1", event_time="2025-03-04T10:15:31.000Z")
    assert deliver(conn, one, other) == Filed(stored=1, repeats=1, jobs=1)


def test_an_identical_body_twice_in_one_batch_is_filed_once(conn):
    message = any_offer_changed(notification_id=None)
    message["NotificationMetadata"] = None
    twice = [letter(message), letter(message)]
    assert deliver(conn, *twice) == Filed(stored=1, repeats=1, jobs=1)
    assert column(conn, "SELECT message_id FROM worker_notifications") == [
        twice[0].arrival.message_id
    ]
    assert deliver(conn, *twice) == Filed(repeats=2)


def test_an_identical_body_in_another_message_later_is_a_repeat(conn):
    """The older layout has no NotificationId: then the body is the only thing that tells."""
    message = any_offer_changed(notification_id=None)
    message["NotificationMetadata"] = None
    assert deliver(conn, letter(message)).stored == 1
    assert deliver(conn, letter(message)) == Filed(repeats=1)


def test_the_same_sqs_message_is_a_repeat_whatever_it_holds(conn):
    assert deliver(conn, letter(message_id="m-1")).stored == 1
    assert deliver(conn, letter(message_id="m-1")) == Filed(repeats=1)


def test_ingesters_with_batches_in_any_order_do_not_deadlock(conn, open_connection):
    """Each files the same notifications in bodies and messages, and in an order, of its own."""
    dice = random.Random(7)

    def batch_of(ingester):
        time = f"2025-03-04T10:15:{ingester:02d}Z"
        letters = [
            letter(asin=f"B0{n:08d}", notification_id=f"n-{n}", event_time=time) for n in range(40)
        ]
        dice.shuffle(letters)
        return letters

    gate = begin(open_connection())
    deliver(gate, *(one for one in batch_of(9) if one.read.notification_id == "n-20"))
    filers = [Background(deliver, open_connection(), *batch_of(n)) for n in range(8)]
    until_blocked(conn, backends=8)
    gate.rollback()
    filed = [one.result() for one in filers]
    assert sum(one.stored for one in filed) == 40
    assert sum(one.repeats for one in filed) == 7 * 40
    assert counts(conn)["procrastinate_jobs"] == 40


BAD = {
    "a NUL in a key": {"seller_id": "A\0B"},
    "half a character": {"seller_id": "A\ud800B"},
    "no subject": {"seller_id": None},
    "a type nobody knows": {"status": "lost"},
    "a hash that is none": {"body_hash": b"short"},
}


@pytest.mark.parametrize("flaw", BAD)
def test_one_message_the_database_refuses_does_not_sink_the_batch(conn, flaw):
    letters = batch(5)
    letters[2] = replace(letters[2], read=replace(letters[2].read, **BAD[flaw]))
    assert deliver(conn, *letters) == Filed(stored=4, rejected=1, jobs=4)
    (dead,) = list_failures(conn)
    assert (dead.stage, dead.error_type) == ("ingest", "refused-by-database")
    assert dead.error_message
    assert dead.message_id == letters[2].arrival.message_id
    assert column(conn, "SELECT raw_body FROM worker_failures") == [letters[2].arrival.body]


def test_facts_the_database_refuses_become_a_dead_letter(conn, monkeypatch):
    monkeypatch.setattr("worker.ingest.filing.facts_to_json", lambda _: '{"a": ')
    assert deliver(conn, letter()) == Filed(rejected=1)
    assert counts(conn)["worker_notifications"] == 0


def test_a_dead_letter_that_is_refused_again_stays_open_with_its_reason(conn, open_connection):
    conn.execute(
        "ALTER TABLE worker_notifications ADD CONSTRAINT not_this CHECK (asin <> 'B0CXYZ1234')"
    )
    assert deliver(conn, letter()).rejected == 1
    (dead,) = list_failures(conn)
    again = open_connection()

    (done,) = redrive(again, [dead.id], FILER, now=datetime.now(UTC))
    again.commit()

    assert done.resolution is None
    assert "not_this" in done.error
    (still,) = list_failures(conn)
    assert (still.id, still.failure_count) == (dead.id, 2)

    conn.execute("ALTER TABLE worker_notifications DROP CONSTRAINT not_this")
    (done,) = redrive(again, [dead.id], FILER, now=datetime.now(UTC))
    again.commit()
    assert (done.resolution, list_failures(conn)) == ("redriven", [])


def test_a_message_in_good_shape_is_filed_though_it_was_refused_before(conn):
    one = letter()
    bad = replace(one, read=replace(one.read, seller_id="A\0B"))
    assert deliver(conn, bad).rejected == 1
    assert deliver(conn, one).stored == 1


@pytest.mark.parametrize("flaw", [b"{", b"\xff\xfe\x00", b"", b"\0", json.dumps([1]).encode()])
def test_the_same_broken_body_again_only_counts_up(conn, flaw, open_connection):
    assert deliver(conn, letter(flaw)) == Filed(rejected=1)
    (first,) = list_failures(conn)
    ear = Ear(open_connection, *SILENT)
    assert deliver(conn, letter(flaw)) == Filed(repeats=1)
    (again,) = list_failures(conn)
    assert (again.id, again.failure_count) == (first.id, 2)
    assert again.first_failed_at == first.first_failed_at < again.last_failed_at
    assert column(conn, "SELECT raw_body FROM worker_failures") == [flaw]
    assert ear.heard() == []
    deliver(conn, letter(flaw))
    assert [one.failure_count for one in list_failures(conn)] == [3]


def test_the_same_broken_body_twice_in_one_batch_is_filed_once(conn):
    assert deliver(conn, letter(b"{"), letter(b"["), letter(b"{")) == Filed(rejected=2, repeats=1)
    assert len(list_failures(conn)) == 2


def test_a_dead_letter_that_was_dealt_with_is_open_again_when_its_body_comes_again(conn):
    deliver(conn, letter(b"{"))
    (dead,) = list_failures(conn)
    resolve_failures(conn, {dead.id: "looked at"}, now=datetime.now(UTC))
    assert list_failures(conn) == []
    deliver(conn, letter(b"{"))
    (again,) = list_failures(conn)
    assert (again.id, again.failure_count) == (dead.id, 2)
    assert (again.resolved_at, again.resolution) == (None, None)


def test_a_broken_body_beside_good_ones_is_filed_in_the_same_transaction(conn, open_connection):
    first = begin(open_connection())
    deliver(first, letter(), letter(b"{"))
    first.rollback()
    assert set(counts(conn).values()) == {0}


def test_ignored_types_are_kept_and_make_no_job(conn, open_connection):
    ear = Ear(open_connection, *SILENT)
    message = {"NotificationType": "FEED_PROCESSING_FINISHED", "Payload": {"SellerId": OWN_SELLER}}
    one = letter(body(message))
    assert deliver(conn, one) == Filed(stored=1, ignored=1)
    assert deliver(conn, one) == Filed(repeats=1)
    assert ear.heard() == []
