"""How streams end, and what becomes of them when something else does: limits, cuts, farewells."""

from __future__ import annotations

import gc
import socket
import time
import tracemalloc
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import pairwise

import psycopg

from api.feed.changes import changes_of
from db.connect import connect
from db.feed import read_position
from db.tokens import create_token, revoke_tokens
from tests.dashboard import (
    serving,
    streaming,
    write_state,
)
from tests.interleave import column, until


def right_now():
    return datetime.now(UTC)


A, B, C = "B00000000A", "B00000000B", "B00000000C"


def told(event):
    return (event.name, event.data["asin"])


class TestTheHubsConnection:
    def test_when_it_is_cut_the_streams_stay_and_are_told_and_catch_up(self, api, conn):
        with streaming(api.url) as stream:
            stream.next("cursor")
            cut_hub(conn)
            write_state(conn, A)
            assert stream.next().data == {"live": False}
            heard = {stream.next().name, stream.next().name}
            assert heard == {"feed", "state"}
            write_state(conn, B)
            assert told(stream.next("state")) == ("state", B)

    def test_no_connection_of_the_pool_is_held_by_a_stream(self, database_url, conn):
        with serving(database_url, api_pool_size=1) as api, ExitStack() as stack:
            cursor = read_position(conn)
            write_state(conn, A)
            for _ in range(8):
                stream = stack.enter_context(streaming(api.url, since=cursor))
                stream.next("state")
            with api.client() as client:
                assert client.get("/api/state").status_code == 200

    def test_the_health_says_since_when_no_bell_of_its_own_came(self, api):
        with api.client() as client:
            until(
                lambda: client.get("/api/health").json()["last_echo_age_seconds"] < 1,
                "an echo was heard",
            )
            assert client.get("/api/health/ready").status_code == 200

    def test_bells_that_do_not_arrive_are_told_and_changes_still_come(self, api, conn):
        """As behind a transaction pooler: LISTEN was accepted, and nothing ever arrives."""
        api.hub._reader._echo_channel = "a-channel-that-nobody-listens-to"
        with api.client() as client:
            until(lambda: client.get("/api/health/ready").status_code == 503, "not ready")
            (problem,) = client.get("/api/health").json()["problems"]
            assert "bells do not arrive" in problem
            assert client.get("/api/health/live").status_code == 200

    def test_what_was_read_and_could_not_be_written_is_read_again(self, api, conn, monkeypatch):
        failures = iter([ValueError("a row that nobody can write")] * 2)

        def write(reading, found):
            if found.states and (failure := next(failures, None)):
                raise failure
            return changes_of(reading, found)

        monkeypatch.setattr("api.feed.reader.changes_of", write)
        with streaming(api.url) as stream:
            stream.next("cursor")
            write_state(conn, A)
            assert told(stream.next("state")) == ("state", A)

    def test_a_database_that_is_away_is_asked_again_after_longer_and_longer_waits(
        self, api, conn, monkeypatch
    ):
        asked = []

        def refuse(*_, **__):
            asked.append(time.monotonic())
            raise psycopg.OperationalError("away")

        monkeypatch.setattr("api.feed.reader.connect", refuse)
        cut_hub(conn)
        until(lambda: len(asked) >= 4, "it was asked four times")
        waits = [after - before for before, after in pairwise(asked)]
        assert waits[0] >= 0.05
        assert waits[1] >= 0.1
        assert waits[2] >= 0.2

    def test_a_reader_that_lives_is_heard_of_again_and_again(self, api):
        """The watchdog would end the process after so many seconds, sound as it is."""
        renewed(api)


def renewed(api):
    """Returns once the watchdog has heard of the feed's reader anew."""
    turns = api.hub._reader._turns
    turns.left_s = 1
    until(lambda: turns.left_s == turns.at_most_s, "the reader was heard of")


def cut_hub(conn):
    ended = column(
        conn,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name IN ('buybox api listen', 'buybox api read')",
    )
    # The end of one may make the hub close the other before it is its turn.
    assert len(ended) == 2
    assert any(ended)


def test_requests_are_answered_soon_after_a_long_outage(pg_server, database_url, conn, monkeypatch):
    """The pool's pauses between its tries to connect must not grow with the outage."""
    monkeypatch.setattr("api.app.POOL_WAIT_S", 1.0)
    with connect(pg_server.url, autocommit=True) as admin, serving(database_url) as api:
        pool = api.app.state.shared.pool
        cursor = read_position(conn)
        with api.client() as client:
            let_in(admin, conn, False)
            while pool.get_stats().get("connections_errors", 0) < 7:
                assert client.get("/api/state").status_code == 503
                renewed(api)
            let_in(admin, conn, True)
            began = time.monotonic()
            until(lambda: client.get("/api/state").status_code == 200, "the pool was back")
            assert time.monotonic() - began < 6
        with streaming(api.url, since=cursor) as stream:
            assert stream.next("cursor").data["resumed"]


def let_in(admin, conn, allowed):
    """Let everybody connect to the test's database, or nobody, and those who are there go."""
    name = conn.info.dbname
    admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}")
    if not allowed:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )


class TestLimitsAndEnds:
    def test_a_client_that_reads_nothing_is_cut_off_and_harms_nobody(self, database_url, conn):
        with (
            serving(database_url, stream_max_pending=20) as api,
            streaming(api.url) as good,
        ):
            good.next("cursor")
            silent = raw_stream(api.url)
            until(lambda: api.hub.health().clients == 2, "both are there")
            count = 0
            while api.hub.health().clients == 2:
                count += 1
                assert count < 200, "the silent one was never cut off"
                with conn.transaction():
                    for n in range(100):
                        write_state(conn, f"B{count:03d}{n:06d}")
                for _ in range(100):
                    good.next("state")
            silent.close()
            ends = metric(api, "sse_stream_ends_total", reason="slow")
            assert ends == 1
            write_state(conn, A)
            assert told(good.next()) == ("state", A)

    def test_streams_are_bounded_in_all_and_for_each_token(self, database_url, conn):
        alice = create_token(conn, name="alice", role="viewer", now=right_now())
        bob = create_token(conn, name="bob", role="viewer", now=right_now())
        with serving(
            database_url, api_max_streams=3, api_max_streams_per_token=2
        ) as api, ExitStack() as stack:  # fmt: skip
            for _ in range(2):
                stack.enter_context(streaming(api.url, token=alice)).next("cursor")
            refused = stack.enter_context(streaming(api.url, token=alice))
            assert (refused.status, refused.headers["retry-after"]) == (429, "30")
            last = stack.enter_context(streaming(api.url, token=bob))
            last.next("cursor")
            assert stack.enter_context(streaming(api.url, token=bob)).status == 429
            last.cut()
            until(lambda: api.hub.health().clients == 2, "the server has seen it go")
            again = stack.enter_context(streaming(api.url, token=bob))
            assert again.next("cursor")

    def test_a_client_that_goes_is_forgotten(self, api):
        for _ in range(20):
            with streaming(api.url) as stream:
                stream.next("cursor")
        until(lambda: api.hub.health().clients == 0, "all are forgotten")
        assert not api.hub._owners
        assert metric(api, "sse_stream_ends_total", reason="gone") == 20

    def test_what_a_stream_caught_up_with_is_not_kept_by_it(self, api, conn):
        """After a cut hundreds come back at once, each with megabytes that it missed."""
        cursor, products = read_position(conn), 400
        with conn.transaction():
            for n in range(products):
                write_state(conn, f"B{n:09d}")
        until(lambda: api.hub.position != cursor, "the hub has read them")
        with ExitStack() as stack:
            stack.callback(tracemalloc.stop)
            tracemalloc.start()
            for _ in range(8):
                stream = stack.enter_context(streaming(api.url, since=cursor))
                size = sum(len(str(stream.next("state").data)) for _ in range(products))
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
        assert held / 8 < size / 2

    def test_who_comes_while_the_server_stops_is_sent_away_too(self, api):
        """Else its stream would hold up the end for as long as that may take."""
        api.hub._loop.call_soon_threadsafe(api.hub.farewell)
        with streaming(api.url) as stream:
            assert stream.next("farewell").data["reason"] == "restart"
            assert stream.ended() == []

    def test_a_stopping_server_sends_everybody_away_within_moments(self, api):
        with ExitStack() as stack:
            streams = [stack.enter_context(streaming(api.url)) for _ in range(20)]
            for stream in streams:
                stream.next("cursor")
            began = time.monotonic()
            api.stop()
            assert time.monotonic() - began < 5
            waits = set()
            for stream in streams:
                (last,) = stream.ended()
                assert (last.name, last.data["reason"]) == ("farewell", "restart")
                assert last.data["retry_ms"] == stream.retry_ms
                waits.add(stream.retry_ms)
            assert len(waits) > 10

    def test_a_revoked_token_ends_its_streams(self, database_url, conn, monkeypatch):
        monkeypatch.setattr("api.app.RECHECK_TOKENS_S", 0.1)
        alice = create_token(conn, name="alice", role="viewer", now=right_now())
        bob = create_token(conn, name="bob", role="viewer", now=right_now())
        with (
            serving(database_url) as api,
            streaming(api.url, token=alice) as hers,
            streaming(api.url, token=bob) as his,
        ):
            hers.next("cursor"), his.next("cursor")
            revoke_tokens(conn, name="alice", now=right_now())
            assert hers.next("farewell").data["reason"] == "revoked"
            with streaming(api.url, token=alice) as again:
                assert again.status == 401
            write_state(conn, A)
            assert told(his.next()) == ("state", A)

    def test_the_first_token_closes_the_open_streams_of_loopback(
        self, database_url, conn, monkeypatch
    ):
        monkeypatch.setattr("api.app.RECHECK_TOKENS_S", 0.1)
        with serving(database_url) as api, streaming(api.url) as stream:
            stream.next("cursor")
            create_token(conn, name="alice", role="viewer", now=right_now())
            assert stream.next("farewell").data["reason"] == "revoked"


def raw_stream(url):
    """A client that asks and never reads."""

    host, _, port = url.removeprefix("http://").partition(":")
    one = socket.create_connection((host, int(port)))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.sendall(b"GET /api/notifications/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    return one


def metric(api, name, **labels):
    return api.app.state.shared.metrics.registry.get_sample_value(name, labels)
