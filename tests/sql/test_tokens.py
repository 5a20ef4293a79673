"""Which tokens and sessions are good, and what revoking ends: for requests and open streams alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from db.tokens import create_token, find_token, list_tokens, read_living_tokens, revoke_tokens
from tests.interleave import column

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def newest_id(conn):
    return column(conn, "SELECT max(id) FROM api_tokens")[0]


def add(conn, name="vera", *, ends=None, revoked=False, issued_from=None):
    """A token, or a session of one; its secret and its id."""
    secret = create_token(
        conn,
        name=name,
        role="viewer",
        now=NOW - HOUR,
        expires_at=ends,
        issued_from=issued_from,
    )
    number = newest_id(conn)
    if revoked:
        conn.execute("UPDATE api_tokens SET revoked_at = %s WHERE id = %s", (NOW, number))
    return secret, number


def are_good(conn, secret, number):
    """Whether requests with it are answered, and whether its streams stay open."""
    token = find_token(conn, secret, now=NOW)
    return token is not None, read_living_tokens(conn, [number], now=NOW) == {number}


@pytest.mark.parametrize(
    ("token", "good"),
    [
        ({}, True),
        ({"ends": NOW + SECOND}, True),
        ({"ends": NOW}, False),
        ({"revoked": True}, False),
        ({"ends": NOW + SECOND, "revoked": True}, False),
    ],
)
def test_a_token_is_good_until_its_end_or_until_it_is_revoked(scratch, token, good):
    add(scratch, "another")
    assert are_good(scratch, *add(scratch, **token)) == (good, good)


@pytest.mark.parametrize(
    ("token", "session", "good"),
    [
        ({}, {"ends": NOW + SECOND}, True),
        ({"ends": NOW + 2 * SECOND}, {"ends": NOW + SECOND}, True),
        ({}, {"ends": NOW}, False),
        ({"ends": NOW + SECOND}, {"ends": NOW}, False),
        ({}, {"ends": NOW + SECOND, "revoked": True}, False),
        ({"ends": NOW}, {"ends": NOW + SECOND}, False),
        ({"revoked": True}, {"ends": NOW + SECOND}, False),
    ],
)
def test_a_session_is_good_as_long_as_itself_and_its_token_are(scratch, token, session, good):
    _, number = add(scratch, **token)
    assert are_good(scratch, *add(scratch, issued_from=number, **session)) == (good, good)


def test_each_stream_is_held_against_its_own_token(scratch):
    (_, one), (_, other), (_, gone) = (add(scratch, name) for name in ("ann", "bob", "eve"))
    revoke_tokens(scratch, name="eve", now=NOW)
    assert read_living_tokens(scratch, [one, gone], now=NOW) == {one}
    assert read_living_tokens(scratch, [one, other], now=NOW) == {one, other}


def test_a_token_s_use_is_noted_once_a_minute_and_not_on_another(scratch):
    secret, _ = add(scratch)
    add(scratch, "another")

    def noted_after(length):
        find_token(scratch, secret, now=NOW + length)
        return {one.name: one.last_used_at for one in list_tokens(scratch)}

    for length, noted in ((0 * MINUTE, NOW), (MINUTE, NOW), (MINUTE + SECOND, None)):
        expected = noted or NOW + length
        assert noted_after(length) == {"vera": expected, "another": None}


def test_revoking_ends_the_living_token_of_the_name_or_one_session(scratch):
    """What ended before keeps its end: it says since when nobody could come in with it."""
    _, old = add(scratch, revoked=True)
    _, number = add(scratch)
    (_, first), (_, second) = (add(scratch, issued_from=number, ends=NOW + HOUR) for _ in range(2))
    _, other = add(scratch, "another")

    def ends():
        return dict(scratch.execute("SELECT id, revoked_at FROM api_tokens").fetchall())

    later = NOW + MINUTE
    assert revoke_tokens(scratch, session_id=first, now=later) == 1
    assert ends() == {old: NOW, number: None, first: later, second: None, other: None}
    assert revoke_tokens(scratch, name="vera", now=later + MINUTE) == 1
    assert ends()[number] == later + MINUTE
    assert (ends()[old], ends()[first], ends()[other]) == (NOW, later, None)
    assert read_living_tokens(scratch, [second, other], now=later + MINUTE) == {other}
