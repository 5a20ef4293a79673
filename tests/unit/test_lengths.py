"""Lengths of time as people type them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.cli.lengths import read_length, write_length


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("30min", 30),
        ("30 m", 30),
        ("2h", 120),
        ("1.5h", 90),
        (" 1d 12h ", 2160),
        ("1h30min", 90),
        ("90s", 1.5),
        ("0s", 0),
    ],
)
def test_what_is_a_length(text, minutes):
    assert read_length(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text",
    ["", " ", "30", "h", "-1h", "1h-1h", "1 hour", "1h,2m", "1e3s", "٣h", "999999999d 999999999d"],
)
def test_what_is_none(text):
    assert read_length(text) is None


@given(st.integers(0, 400 * 24 * 3600))
def test_what_is_written_is_read_back(seconds):
    length = timedelta(seconds=seconds)
    assert read_length(write_length(length)) == length


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(days=1), "1d"),
        (timedelta(hours=26, seconds=3), "1d 2h 3s"),
        (timedelta(seconds=0.5), "0.5s"),
    ],
)
def test_how_one_is_written(length, text):
    assert write_length(length) == text
