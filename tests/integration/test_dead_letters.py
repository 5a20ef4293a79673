"""What a dead letter says after its body came again, and what a redrive leaves as it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from db.failures import list_failures, reopen_notifications, resolve_failures
from tests.factories import GB
from tests.interleave import FILER, column, deliver, letter
from worker.ingest.filing import file_letters
from worker.ingest.redrive import redrive

NOW = datetime(2025, 3, 5, 12, tzinfo=UTC)


def refused(because: str):
    """A letter that the door refuses for this reason."""
    one = letter(b"{")
    return replace(one, read=replace(one.read, error_type=because, error_message=f"{because}."))


def test_a_body_that_is_refused_for_another_reason_now_says_the_new_one(conn):
    """The reader was mended in between, and found the next flaw; another ingester met it."""
    other = type(FILER)("worker-9", FILER.head_starts_s)
    file_letters(conn, [refused("malformed-json")], FILER, now=NOW)
    file_letters(conn, [refused("missing-field")], other, now=NOW + timedelta(days=1))
    (dead,) = list_failures(conn)
    assert (dead.error_type, dead.error_message) == ("missing-field", "missing-field.")
    assert (dead.worker_id, dead.failure_count) == ("worker-9", 2)
    assert (dead.first_failed_at, dead.last_failed_at) == (NOW, NOW + timedelta(days=1))


def test_a_dead_letter_names_its_message_its_source_and_its_trace(conn):
    one = replace(letter(b"{", message_id="m-1"), trace_id="t-1")
    deliver(conn, one)
    (dead,) = list_failures(conn)
    assert (dead.message_id, dead.trace_id, dead.source) == ("m-1", "t-1", one.arrival.source)


def test_only_the_dead_letters_that_were_dealt_with_are_resolved_each_in_its_way(conn):
    deliver(conn, *(letter(body) for body in (b"{", b"[", b"(")))
    ids = sorted(one.id for one in list_failures(conn))
    resolve_failures(conn, {ids[0]: "redriven", ids[2]: "already stored"}, now=NOW)
    assert [one.id for one in list_failures(conn)] == [ids[1]]
    done = {one.id: one for one in list_failures(conn, include_resolved=True)}
    assert [done[one].resolution for one in ids] == ["redriven", None, "already stored"]
    assert [done[one].resolved_at for one in ids] == [NOW, None, NOW]


def failed(conn, *names: str) -> dict[str, int]:
    """Notifications of products of their own that were given up; their rows by their names."""
    deliver(conn, *(letter(asin=f"B00000000{n}", message_id=m) for n, m in enumerate(names)))
    conn.execute("DELETE FROM procrastinate_jobs")
    conn.execute(
        "UPDATE worker_notifications SET status = 'failed', attempts = 3, last_error = 'a bug',"
        " next_attempt_at = now() + interval '1 hour'"
    )
    return dict(conn.execute("SELECT message_id, id FROM worker_notifications").fetchall())


def test_a_notification_is_reopened_with_a_job_of_its_own_product_and_the_others_are_not(conn):
    rows = failed(conn, "one", "two")
    assert reopen_notifications(conn, [rows["two"]]) == 1
    assert conn.execute(
        "SELECT message_id, status, attempts, last_error, next_attempt_at = received_at"
        " FROM worker_notifications ORDER BY id"
    ).fetchall() == [("one", "failed", 3, "a bug", False), ("two", "waiting", 0, None, True)]
    assert column(conn, "SELECT lock FROM procrastinate_jobs") == [f"{GB}:B000000001"]
    assert column(conn, "SELECT (args ->> 'notification')::bigint FROM procrastinate_jobs") == [
        rows["two"]
    ]


def test_what_is_not_failed_any_more_is_not_reopened(conn):
    """Processed in the meantime, or redriven by somebody else: its effects are not done twice."""
    rows = failed(conn, "one")
    conn.execute(
        "UPDATE worker_notifications SET status = 'processed', processed_at = now(),"
        " outcome = 'applied'"
    )
    assert reopen_notifications(conn, [rows["one"]]) == 0
    assert column(conn, "SELECT status FROM worker_notifications") == ["processed"]
    assert column(conn, "SELECT count(*) FROM procrastinate_jobs") == [0]


def dead_letters_of(conn, rows) -> list[int]:
    """Dead letters of the analysis of these notifications."""
    return [
        conn.execute(
            "INSERT INTO worker_failures (stage, error_type, error_message, first_failed_at,"
            " last_failed_at, trace_id, source, worker_id, body_hash, raw_body,"
            " notification_row_id) SELECT 'analysis', 'KeyError', 'no', now(), now(), n.trace_id,"
            " n.source, 'w', n.body_hash, '', n.id FROM worker_notifications AS n WHERE n.id = %s"
            " RETURNING id",
            [row],
        ).fetchone()[0]
        for row in rows
    ]


def test_a_redrive_says_what_became_of_each_and_closes_only_what_went_through(conn):
    rows = failed(conn, "one", "two")
    one, two = dead_letters_of(conn, [rows["one"], rows["two"]])
    conn.execute("UPDATE worker_notifications SET status = 'ignored' WHERE id = %s", [rows["two"]])
    deliver(conn, letter(b"{"))
    (broken,) = (dead.id for dead in list_failures(conn) if dead.stage == "ingest")

    done = redrive(conn, [one, two, broken], FILER, now=NOW)

    found = {each.failure_id: each.resolution for each in done}
    assert found == {one: "redriven", two: "nothing left to redrive", broken: None}
    (failed_again,) = (each.error for each in done if each.failure_id == broken)
    assert failed_again.startswith("The body is not JSON")
    assert [dead.id for dead in list_failures(conn)] == [broken]
    assert column(conn, "SELECT status FROM worker_notifications ORDER BY id") == [
        "waiting",
        "ignored",
    ]


def test_a_dead_letter_whose_message_came_through_otherwise_is_closed_as_already_stored(conn):
    sound = letter(message_id="m-1")
    flawed = replace(
        sound, read=replace(refused("missing-field").read, body_hash=sound.read.body_hash)
    )
    deliver(conn, flawed)
    (dead,) = list_failures(conn)
    deliver(conn, sound)

    (done,) = redrive(conn, [dead.id], FILER, now=datetime.now(UTC))

    assert done.resolution == "already stored"
    assert list_failures(conn) == []
    assert column(conn, "SELECT count(*) FROM worker_notifications") == [1]


def test_a_redriven_message_is_found_by_its_sqs_id_and_told_from_one_of_the_queue(conn):
    sound = letter(message_id="m-1")
    read = replace(refused("missing-field").read, body_hash=sound.read.body_hash)
    deliver(conn, replace(sound, read=read))
    redrive(conn, [list_failures(conn)[0].id], FILER, now=datetime.now(UTC))
    assert conn.execute("SELECT message_id, source FROM worker_notifications").fetchall() == [
        ("m-1", "redrive")
    ]


def test_a_message_that_named_no_seller_goes_through_once_one_is_configured(conn):
    """The older layout; its error says to set SELLER_ID."""
    ids = {"asin": "B0CXYZ1234", "marketplaceId": GB, "offers": []}
    nobody_s = {
        "notificationType": "ANY_OFFER_CHANGED",
        "eventTime": "2025-03-04T10:15:30Z",
        "payload": {"anyOfferChangedNotification": {"offerChangeSummary": ids}},
    }
    deliver(conn, letter(nobody_s))
    (dead,) = list_failures(conn)
    assert "SELLER_ID" in dead.error_message
    now = datetime.now(UTC)
    (still,) = redrive(conn, [dead.id], FILER, now=now)
    (done,) = redrive(conn, [dead.id], FILER, now=now, fallback_seller_id="A9FALLBACK")
    assert (still.resolution, done.resolution) == (None, "redriven")
    assert column(conn, "SELECT seller_id FROM worker_notifications") == ["A9FALLBACK"]
