"""What follows a failure: again when, or given up, and what the operator is told."""

from __future__ import annotations

import random
from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery import HOUR, MINUTE, NOW, SECOND
from worker.delivery.outcome import (
    LONGEST_WAIT,
    Again,
    Failure,
    GivenUp,
    Patience,
    after_failure,
    backoff,
    http_failure,
    parse_retry_after,
)

PATIENCE = Patience(max_attempts=8, max_age=12 * HOUR)


def after(error_class, *, failures=0, asked=None, due_at=NOW):
    return after_failure(
        Failure(error_class, "no", asked), failures=failures, due_at=due_at, now=NOW,
        patience=PATIENCE, jitter=random.Random(1),
    )  # fmt: skip


@pytest.mark.parametrize("error_class", ["auth", "refused"])
def test_what_trying_again_would_not_help_is_given_up_and_told(error_class):
    done = after(error_class)
    assert isinstance(done, GivenUp)
    assert done.trouble == f"2026-03-10 12:00 UTC, {error_class}: no"


def test_a_worker_that_cannot_use_a_route_says_so_and_tries_again():
    done = after("unreadable")
    assert isinstance(done, Again)
    assert "unreadable" in done.trouble


@pytest.mark.parametrize("error_class", ["transient", "cut-off"])
def test_a_passing_failure_is_tried_again_so_often_and_no_oftener(error_class):
    assert isinstance(after(error_class, failures=6), Again)
    assert after(error_class, failures=7) == GivenUp("given up after 8 failed attempts")


def test_too_old_is_given_up_whatever_the_attempts():
    assert isinstance(after("transient", due_at=NOW - 12 * HOUR), GivenUp)
    assert isinstance(after("rate-limited", asked=HOUR, due_at=NOW - 11 * HOUR), GivenUp)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [(None, MINUTE), (30 * SECOND, 30 * SECOND), (timedelta(0), SECOND), (24 * HOUR, HOUR)],
)
def test_a_receiver_is_asked_again_when_it_says_within_reason(asked, wait):
    done = after("rate-limited", asked=asked, failures=7)
    assert NOW + wait <= done.at <= NOW + wait + SECOND


@pytest.mark.parametrize(("asked", "wait_s"), [(None, 60), (30 * SECOND, 30), (24 * HOUR, 3600)])
def test_a_wait_is_not_told_as_one_that_the_receiver_asked_for(asked, wait_s):
    """It may have named no time, or more than it gets."""
    done = after("rate-limited", asked=asked)
    assert done.why == f"rate-limited: again after {wait_s} s"


@given(st.integers(1, 10_000), st.integers())
def test_the_backoff_grows_to_its_limit_and_never_past_it(attempts, seed):
    wait = backoff(attempts, random.Random(seed))
    assert 5 * SECOND <= wait <= LONGEST_WAIT
    if attempts > 10:
        assert wait >= LONGEST_WAIT / 2


@pytest.mark.parametrize(
    ("status", "header", "error_class"),
    [
        (301, None, "refused"),
        (400, None, "refused"),
        (401, None, "auth"),
        (403, None, "auth"),
        (404, None, "refused"),
        (407, None, "auth"),
        (408, None, "transient"),
        (413, None, "refused"),
        (425, None, "transient"),
        (429, None, "rate-limited"),
        (500, None, "transient"),
        (502, "7", "transient"),
        (503, None, "transient"),
        (503, "7", "rate-limited"),
        (799, None, "transient"),
    ],
)
def test_each_status_has_its_class(status, header, error_class):
    assert http_failure(status, header, NOW).error_class == error_class


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("120", 120 * SECOND),
        (" 7 ", 7 * SECOND),
        ("9" * 400, timedelta(seconds=999_999_999)),
        ("\u00b2", None),
        ("Tue, 10 Mar 2026 13:00:00 -0000", HOUR),
        ("Tue, 10 Mar 2026 14:00:00 +0100", HOUR),
        ("Tue, 10 Mar 2026 13:00:00 +99999999999999999999", None),
        ("Tue, 10 Mar 99999999999999999999 13:00:00 GMT", None),
        (format_datetime(NOW + HOUR, usegmt=True), HOUR),
        (format_datetime(NOW - HOUR, usegmt=True), timedelta(0)),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, wait):
    assert parse_retry_after(header, NOW) == wait


@given(st.text())
def test_no_header_breaks_the_reading(header):
    found = parse_retry_after(header, NOW)
    assert found is None or found >= timedelta(0)
