"""The stream on a real server: what comes, in which order, after which cut, and how it ends."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from api.feed.snapshot import Snapshot
from db.feed import read_position
from tests.dashboard import (
    serving,
    streaming,
    touch_alert,
    write_alert,
    write_state,
)
from tests.interleave import PATIENCE_S, begin, column, until


def right_now():
    return datetime.now(UTC)


A, B, C = "B00000000A", "B00000000B", "B00000000C"


@pytest.fixture
def database_url(emptied):
    return emptied


@pytest.fixture
def api(module_api, emptied):
    return module_api


def saw_newest(position, conn, asin):
    """Whether the hub, standing there, has read the newest version of a product's state."""
    changed_in = column(
        conn, "SELECT changed_in::text::bigint FROM current_state WHERE asin = %s", asin
    )
    return Snapshot.of(position).saw(max(changed_in))


def told(event):
    return (event.name, event.data["asin"])


class TestWhatComes:
    def test_first_the_cursor_then_each_change_as_it_is_committed(self, api, conn):
        with streaming(api.url) as stream:
            first = stream.next()
            assert (first.name, first.data["live"], first.data["resumed"]) == (
                "cursor",
                True,
                False,
            )
            assert first.data["cursor"] == first.id
            write_state(conn, A, severity="critical", price="19.99")
            state = stream.next()
            assert told(state) == ("state", A)
            assert (state.data["your_price"], state.data["severity"]) == ("19.99", "critical")
            assert state.id != first.id
            write_alert(conn, A)
            assert told(stream.next()) == ("alert", A)

    def test_nothing_comes_before_its_commit_or_after_a_rollback(self, api, conn, open_connection):
        held, gone = begin(open_connection()), begin(open_connection())
        with streaming(api.url) as stream:
            stream.next("cursor")
            write_state(held, A)
            write_state(gone, B)
            gone.rollback()
            write_state(conn, C)
            assert told(stream.next()) == ("state", C)
            held.commit()
            assert told(stream.next()) == ("state", A)

    def test_what_is_committed_together_comes_together(self, api, conn):
        """One cursor holds for states and alerts: both halves are read in one snapshot."""
        with streaming(api.url) as stream:
            first = stream.next("cursor").id
            with conn.transaction():
                write_alert(conn, A)
                write_state(conn, A)
            state, alert = stream.next(), stream.next()
            assert (state.name, state.id) == ("state", first)
            assert alert.name == "alert"
            assert alert.id != first

    def test_the_headers_tell_proxies_to_pass_events_on(self, api):
        with streaming(api.url) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert stream.headers["x-accel-buffering"] == "no"
            assert stream.headers["cache-control"] == "no-store"

    def test_each_connection_is_told_its_own_time_to_come_back(self, api):
        told = set()
        for _ in range(5):
            with streaming(api.url) as stream:
                stream.next("cursor")
                told.add(stream.retry_ms)
        assert len(told) > 1
        assert all(2_000 <= ms <= 10_000 for ms in told)

    def test_a_quiet_stream_gives_a_sign_of_life_and_moves_its_cursor(self, database_url, conn):
        with (
            serving(database_url, stream_keepalive_seconds=0.2) as api,
            streaming(api.url, asin=A) as stream,
        ):
            first = stream.next("cursor").id
            write_state(conn, B)
            assert stream.comments.get(timeout=20) == "alive"
            until(lambda: stream.last_id != first, "the cursor moved past the others' changes")
            assert stream.events.empty()
            since = stream.last_id
            write_state(conn, A)
            assert told(stream.next()) == ("state", A)
            with streaming(api.url, since=since) as other:
                assert [told(e) for e in (other.next("state"),)] == [("state", A)]

    def test_signs_of_life_come_at_their_time_and_not_without_end(self, database_url):
        with (
            serving(database_url, stream_keepalive_seconds=0.5) as api,
            streaming(api.url) as stream,
        ):
            stream.next("cursor")
            came = []
            for _ in range(3):
                stream.comments.get(timeout=PATIENCE_S)
                came.append(time.monotonic())
        assert came[2] - came[0] > 0.1

    def test_without_a_bell_the_poll_finds_it(self, api, conn):
        with streaming(api.url) as stream:
            stream.next("cursor")
            conn.execute(
                "INSERT INTO current_state (marketplace_id, asin, item_condition, audience, "
                "seller_id, severity, severity_policy, severity_reasons, trace_id, worker_id, "
                "updated_at, version) VALUES ('M', 'silent', 'new', 'consumer', 'S', 'info', "
                "'full', '{}', 't', 'w', now(), 1)"
            )
            assert told(stream.next()) == ("state", "silent")


class TestFilters:
    def test_by_asin_and_marketplace(self, api, conn):
        with streaming(api.url, asin=[A, C], marketplace="A1F83G8C2ARO7P") as stream:
            stream.next("cursor")
            write_state(conn, B)
            write_state(conn, A, marketplace="ATVPDKIKX0DER")
            write_state(conn, C)
            assert told(stream.next()) == ("state", C)

    def test_a_row_that_leaves_the_asked_severity_is_said_to_have_left(self, api, conn):
        with streaming(api.url, severity="critical") as stream:
            stream.next("cursor")
            write_state(conn, A, severity="critical")
            key = stream.next("state").data["key"]
            write_state(conn, A, severity="success")
            left = stream.next()
            assert (left.name, left.data) == (
                "left", {"kind": "state", "key": key, "severity": "success"},
            )  # fmt: skip

    def test_an_unknown_severity_is_refused(self, api):
        with api.client() as client:
            answer = client.get("/api/notifications/stream", params={"severity": "urgent"})
        assert (answer.status_code, answer.json()["type"]) == (422, "invalid-request")


class TestAfterACut:
    def test_what_was_missed_comes_once_and_then_it_goes_on(self, api, conn, open_connection):
        slow = begin(open_connection())
        write_state(slow, A)
        with streaming(api.url) as stream:
            stream.next("cursor")
            write_state(conn, B)
            stream.next("state")
            last = stream.last_id
        slow.commit()  # began before the cursor, ended after it
        write_state(conn, C)
        write_state(conn, C)
        # A hub that still stood at `last` would hand on both of C's versions, as it may.
        until(lambda: saw_newest(api.hub.position, conn, C), "the hub has read what was missed")
        with streaming(api.url, last_id=last) as stream:
            assert stream.next().data == {"cursor": last, "live": True, "resumed": True}
            assert {told(stream.next()), told(stream.next())} == {("state", A), ("state", C)}
            write_state(conn, B)
            assert told(stream.next()) == ("state", B)

    def test_a_client_cut_in_the_middle_of_a_batch_gets_the_whole_batch_again(self, api, conn):
        with conn.transaction():
            for asin in (A, B, C):
                write_state(conn, asin)
        with streaming(api.url, since=read_position(conn)) as stream:
            first = stream.next("cursor").id
            with conn.transaction():
                for asin in (A, B, C):
                    write_state(conn, asin)
            ids = [stream.next().id for _ in range(3)]
        assert ids[:2] == [first, first]
        assert ids[2] != first

    def test_the_header_wins_over_the_query(self, api, conn):
        before = read_position(conn)
        write_state(conn, A)
        after = read_position(conn)
        with streaming(api.url, since=before, last_id=after) as stream:
            stream.next("cursor")
            write_state(conn, B)
            assert told(stream.next()) == ("state", B)

    @pytest.mark.parametrize(
        ("cursor", "reason"),
        [
            ("nonsense", "unreadable-cursor"),
            ("another.1~10:10:", "other-epoch"),
            ("EPOCH~99999999999:99999999999:", "out-of-range"),
        ],
    )
    def test_a_cursor_of_no_use_gets_a_reset_and_then_goes_on(self, api, conn, cursor, reason):
        epoch = column(conn, "SELECT buybox_feed_epoch()")[0]
        write_state(conn, A)
        with streaming(api.url, last_id=cursor.replace("EPOCH", epoch)) as stream:
            assert stream.next().name == "cursor"
            reset = stream.next()
            assert (reset.name, reset.data["reason"]) == ("reset", reason)
            assert reset.id == reset.data["cursor"]
            write_state(conn, B)
            assert told(stream.next()) == ("state", B)

    def test_who_missed_too_much_begins_again(self, database_url, conn):
        with serving(database_url, stream_max_gap=10) as api:
            cursor = read_position(conn)
            for n in range(11):
                write_state(conn, f"B{n:09d}")
            with streaming(api.url, since=cursor) as stream:
                assert stream.next("reset").data["reason"] == "too-far-behind"

    def test_a_new_epoch_under_open_streams_resets_them_all(self, api, conn):
        with streaming(api.url) as one, streaming(api.url) as other:
            one.next("cursor"), other.next("cursor")
            conn.execute("UPDATE feed_epoch SET epoch = 'another'")
            assert one.next("reset").data["reason"] == "other-epoch"
            assert other.next("reset").data["cursor"].startswith("another.")
            write_state(conn, A)
            assert told(one.next()) == told(other.next()) == ("state", A)

    def test_the_lists_name_a_cursor_to_follow_from(self, api, conn):
        write_state(conn, A)
        with api.client() as client:
            cursors = [
                client.get(path).json()["cursor"]
                for path in ("/api/state", "/api/notifications/prioritized")
            ]
        write_state(conn, B)
        for cursor in cursors:
            with streaming(api.url, since=cursor) as stream:
                assert told(stream.next("state")) == ("state", B)


def test_an_alert_changed_many_times_while_nobody_looks_comes_in_its_last_form(api, conn):
    cursor = read_position(conn)
    alert = write_alert(conn)
    for _ in range(5):
        touch_alert(conn, alert)
    with streaming(api.url, since=cursor) as stream:
        assert stream.next("alert").data["occurrences"] == 6
