"""Bells that ring faster than the feed is read: none of them stays with the server."""

from __future__ import annotations

from db.feed import STATE_CHANNEL, hear, start_listening
from tests.dashboard import serving
from tests.interleave import PATIENCE_S, column, until

BELLS = 4000
"""Of 7,900 bytes each: some 30 MB, far more than a connection holds on its way."""


def ring_often(conn):
    conn.execute(
        "SELECT count(pg_notify(%s, n || repeat('x', 7900))) FROM generate_series(1, %s) AS n",
        (STATE_CHANNEL, BELLS),
    )


def test_all_bells_that_rang_are_heard_at_a_few_looks(conn, open_connection):
    """The queue of bells is the whole server's: what one listener leaves fills it for everybody."""
    listener = open_connection(autocommit=True)
    start_listening(listener, STATE_CHANNEL, "the_last")
    ring_often(conn)
    conn.execute("NOTIFY the_last")
    looks = 0
    while "the_last" not in hear(listener, timeout_s=PATIENCE_S):
        looks += 1
    assert looks < BELLS / 20


def test_the_backend_takes_all_that_rang_however_rarely_it_reads(database_url, conn):
    with serving(database_url, feed_pause_ms=3000):
        ring_often(conn)
        until(
            lambda: column(conn, "SELECT pg_notification_queue_usage() < 0.001") == [True],
            "the server's queue of bells is empty",
        )
