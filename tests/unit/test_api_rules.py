"""The dashboard backend's small rules: thinning, judging, limits, pages, settings."""

from __future__ import annotations

import base64
import re
import threading
import tracemalloc
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import worker_status
from api.limits import RateLimit
from api.metrics import Metrics
from api.paging import Page, page_token, read_page_token
from api.problems import ProblemError
from api.settings import ApiSettings, is_loopback, load_settings
from api.trends import FEWEST, FIELDS, LEADS, downsample
from api.worker_status import StatusBoard, Thresholds, judge
from db.dashboard import Place, WorkerStatus
from process.settings import SettingsError
from tests.interleave import Background, until
from tests.strategies import lists_of_any_length

NOW = datetime(2026, 3, 4, 10, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    at: int
    your_price: Decimal | None
    market_low: Decimal | None
    prime_low: Decimal | None
    buy_box_price: Decimal | None


def prices():
    return st.one_of(st.none(), st.integers(1, 60).map(Decimal))


def courses():
    row = st.tuples(prices(), prices(), prices(), prices())
    rows = lists_of_any_length(row, max_size=60)
    return rows.map(lambda rows: [Row(n, *r) for n, r in enumerate(rows)])


class TestDownsample:
    @given(courses(), st.integers(FEWEST, 30))
    def test_no_extreme_of_any_line_is_lost(self, rows, points):
        thin = downsample(rows, points)
        assert len(thin) <= points
        assert thin == sorted(set(thin), key=lambda row: row.at)
        assert set(thin) <= set(rows)
        assert thin[:1] == rows[:1]
        assert thin[-1:] == rows[-1:]
        for field in FIELDS:
            known = [v for row in rows if (v := getattr(row, field)) is not None]
            kept = [v for row in thin if (v := getattr(row, field)) is not None]
            assert (min(known, default=None), max(known, default=None)) == (
                min(kept, default=None),
                max(kept, default=None),
            )

    @given(courses(), st.integers(FEWEST, 30))
    def test_few_rows_stay_as_they_are(self, rows, points):
        assert downsample(rows[:points], points) == rows[:points]

    def test_a_short_dip_in_the_middle_of_a_long_calm_is_kept_in_each_stretch(self):
        flat = [Row(n, Decimal(20), Decimal(19), None, None) for n in range(5000)]
        dips = {700, 2222, 3999}
        rows = [replace(r, market_low=Decimal(12 + r.at % 7)) if r.at in dips else r for r in flat]
        assert dips <= {row.at for row in downsample(rows, 100)}

    @pytest.mark.parametrize("begin", range(20, 1000, 70))
    def test_a_time_of_which_nothing_is_known_is_not_drawn_over(self, begin):
        gap = range(begin, begin + 3)
        rows = [
            Row(n, None if n in gap else Decimal(20), Decimal(19), None, None) for n in range(1000)
        ]
        assert rows[begin] in downsample(rows, 60)

    def test_too_few_points_are_refused(self):
        with pytest.raises(ValueError, match=f"ask for {FEWEST} or more"):
            downsample([], FEWEST - 1)

    def test_the_leading_lines_are_those_of_the_sparkline(self):
        assert LEADS == ("your_price", "market_low")


WELL = WorkerStatus(3, 0, 0, 0.5, NOW, NOW, 400, 2, 1.5, asked_at=NOW)
LIMITS = Thresholds(60, 300, 50_000)


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("change", "overall"),
    [
        ({}, "healthy"),
        ({"oldest_message_age_seconds": None}, "healthy"),
        ({"oldest_message_age_seconds": 61}, "degraded"),
        ({"oldest_message_age_seconds": 301}, "critical"),
        ({"ingest_heartbeat": ago(61)}, "degraded"),
        ({"ingest_heartbeat": ago(301)}, "critical"),
        ({"ingest_heartbeat": None}, "critical"),
        ({"analysis_heartbeat": ago(61)}, "degraded"),
        ({"analysis_heartbeat": None}, "critical"),
        ({"backlog_count": 5_000}, "degraded"),
        ({"backlog_count": 50_000}, "critical"),
        ({"open_failures": 1}, "degraded"),
        ({"dlq_messages": 1}, "degraded"),
        ({"dlq_messages": None, "open_failures": None, "queue_depth": None}, "healthy"),
    ],
)
def test_the_worst_of_it_all_decides(change, overall):
    assert judge(replace(WELL, **change), LIMITS) == overall


class Desk:
    """Stands where the pool stands: keeps who asks waiting, and then has no connection or one."""

    def __init__(self, *, away):
        self.asked, self.answer, self._away = 0, threading.Event(), away

    @contextmanager
    def connection(self):
        self.asked += 1
        assert self.answer.wait(20)
        if self._away:
            raise psycopg.OperationalError("away")
        yield None


class Door:
    """A lock that knows how many have come to it."""

    def __init__(self):
        self.came, self._lock = 0, threading.Lock()

    def __enter__(self):
        self.came += 1
        self._lock.acquire()

    def __exit__(self, *_):
        self._lock.release()


@pytest.mark.parametrize("away", [True, False])
def test_who_waits_while_somebody_asks_takes_what_came(monkeypatch, away):
    """One after the other they would ask anew, and hold all threads of the backend meanwhile."""
    monkeypatch.setattr(worker_status, "ASK_EVERY_S", 0)  # it took longer than an answer is good
    monkeypatch.setattr(worker_status, "read_worker_status", lambda _: WELL)
    monkeypatch.setattr(worker_status, "count_processed", lambda *_, **__: [])
    pool, door = Desk(away=away), Door()
    board = StatusBoard(pool, Metrics())
    board._lock = door
    asking = [Background(board.status) for _ in range(4)]
    until(lambda: door.came == 4, "all had come")
    pool.answer.set()
    for one in asking:
        with pytest.raises(psycopg.OperationalError) if away else nullcontext():
            assert one.result() is WELL
    assert pool.asked == 1
    with suppress(psycopg.OperationalError):
        board.status()
    assert pool.asked == 2


class TestRateLimit:
    def test_a_caller_may_ask_so_much_at_once_and_then_so_much_a_minute(self):
        now = 0.0
        limit = RateLimit(120, at_once=3, clock=lambda: now)
        assert [limit.spend("a") for _ in range(3)] == [0, 0, 0]
        assert limit.spend("a") == pytest.approx(0.5)
        assert limit.spend("b") == 0
        now = 0.5
        assert limit.spend("a") == 0
        assert limit.spend("a") > 0
        now = 0.75
        assert limit.spend("a") == pytest.approx(0.25)
        now = 100
        assert [limit.spend("a") for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]

    def test_refused_requests_do_not_put_off_the_next_good_one(self):
        now = 0.0
        limit = RateLimit(60, at_once=1, clock=lambda: now)
        limit.spend("a")
        for _ in range(50):
            assert limit.spend("a") > 0
        now = 1.01
        assert limit.spend("a") == 0

    def test_it_remembers_a_bounded_number_of_callers(self):
        limit = RateLimit(60, at_once=1)
        for n in range(10_500):
            limit.spend(str(n))
        assert len(limit._callers) == 10_000

    def test_of_a_caller_it_remembers_no_more_than_an_address_or_a_name_has(self):
        """Behind a proxy that all are believed of, the address is what a stranger's header says."""
        limit = RateLimit(60, at_once=1, clock=lambda: 0.0)
        tracemalloc.start()
        for n in range(100):
            limit.spend(f"{n} ".ljust(100_000, "x"))
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert held < 1_000_000  # of the ten that were sent
        assert limit.spend("0 ".ljust(100_000, "x")) > 0

    def test_who_comes_when_it_remembers_its_fill_is_counted_too(self):
        limit = RateLimit(60, at_once=1, clock=lambda: 0.0)
        for n in range(10_000):
            limit.spend(str(n))
        assert limit.spend("a") == 0
        assert limit.spend("a") > 0

    def test_a_limit_of_few_a_minute_lets_one_through(self):
        limit = RateLimit(2, at_once=2 // 6, clock=lambda: 0.0)
        assert limit.spend("a") == 0
        assert limit.spend("a") == pytest.approx(30)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
STAKES = st.decimals(allow_nan=False, min_value=-(10**12), max_value=10**12, places=4) | st.just(
    Decimal("Infinity")
)


class TestPages:
    @given(TEXTS, st.integers(0, 99), STAKES, TEXTS)
    def test_a_page_of_states_comes_back_as_it_was(self, cursor, rank, stake, key):
        page = Page(cursor, Place(rank, stake, key))
        assert read_page_token("states", page_token("states", page)) == page

    @given(TEXTS, st.integers(0, 99), STAKES, st.integers(-(10**17), 10**17))
    def test_a_page_of_alerts_comes_back_as_it_was(self, cursor, rank, stake, key):
        page = Page(cursor, Place(rank, stake, str(key)))
        assert read_page_token("alerts", page_token("alerts", page)) == page

    @pytest.mark.parametrize(("of", "asked"), [("alerts", "states"), ("states", "alerts")])
    def test_a_page_of_another_list_is_refused(self, of, asked):
        token = page_token(of, Page("c", Place(1, Decimal(1), "-17")))
        with pytest.raises(ProblemError, match="not one that an answer named"):
            read_page_token(asked, token)

    @given(st.one_of(st.text(max_size=60), st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True)))
    def test_any_other_text_is_refused_in_a_sentence(self, text):
        with pytest.raises(ProblemError) as caught:
            read_page_token("states", text)
        assert caught.value.status == 422

    @pytest.mark.parametrize(
        "text",
        ["5", "null", "[]", '["states","c",null,"1","k"]', '["states","c",1e999,"1","k"]',
         '["states","c",1,"many","k"]', '["states",5,1,"1","k"]', r'["states","\ud800",1,"1","k"]',
         pytest.param("[" * 50_000, id="deep")],
    )  # fmt: skip
    def test_what_somebody_made_up_is_refused_in_a_sentence(self, text):
        token = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        with pytest.raises(ProblemError) as caught:
            read_page_token("states", token)
        assert caught.value.status == 422

    def test_no_page_is_the_first(self):
        assert read_page_token("alerts", None) is None


class TestSettings:
    @pytest.mark.parametrize(
        ("name", "value"),
        [("API_PORT", "70000"), ("CRITICAL_AFTER_SECONDS", "5"), ("FEED_POLL_SECONDS", "0")],
    )
    def test_a_wrong_value_is_named_in_one_sentence(self, monkeypatch, name, value):
        monkeypatch.setenv(name, value)
        with pytest.raises(SettingsError, match=name) as caught:
            load_settings()
        assert "\n" not in str(caught.value)

    def test_no_keepalive_is_so_rare_that_the_page_takes_the_stream_for_dead(self):
        script = files("api").joinpath("static/js/stream.js").read_text("utf-8")
        patience_s = int(re.search(r"SILENCE_MS = (\d+)_000;", script)[1])
        looks_every_s = int(re.search(r"#listen\(\), (\d+)_000\)", script)[1])
        longest = ApiSettings(stream_keepalive_seconds=patience_s - 3 * looks_every_s)
        with pytest.raises(SettingsError, match="STREAM_KEEPALIVE_SECONDS"):
            load_settings(stream_keepalive_seconds=longest.stream_keepalive_seconds + 1)

    def test_a_missing_database_says_what_to_set(self):
        with pytest.raises(SettingsError, match="DATABASE_URL is not set"):
            _ = ApiSettings().dsn

    def test_the_password_is_not_shown(self):
        assert "secret" not in repr(ApiSettings(database_url="postgresql://me:secret@host/db"))

    def test_origins_are_a_list_with_commas(self):
        found = ApiSettings(api_allowed_origins="https://a.example/, https://b.example,").origins
        assert found == ("https://a.example", "https://b.example")

    def test_they_are_compared_as_browsers_write_them(self):
        assert ApiSettings(api_allowed_origins="HTTPS://A.Example").origins == (
            "https://a.example",
        )

    @pytest.mark.parametrize(
        "text", ["*", "a.example", "https://*.example", "https://a.example/app", "https://", "a,b"]
    )
    def test_what_no_browser_ever_sends_is_no_origin(self, monkeypatch, text):
        monkeypatch.setenv("API_ALLOWED_ORIGINS", text)
        with pytest.raises(SettingsError, match=r"API_ALLOWED_ORIGINS.*must be origins"):
            load_settings()

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost"])
    def test_loopback_is_this_machine(self, host):
        assert is_loopback(host)

    @pytest.mark.parametrize(
        "host", ["0.0.0.0", "::", "10.0.0.1", "", "localhost.evil.example", "127.0.0.1.nip.io"]
    )
    def test_everything_else_is_not(self, host):
        assert not is_loopback(host)
