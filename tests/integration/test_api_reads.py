"""What the dashboard reads: lists in pages, one product, its course, the workers, the metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from api.paging import Page, page_token
from api.routes import trends
from api.routes.states import StateList
from db import dashboard
from db.dashboard import MAX_ALERTS_OF_A_PRODUCT, MAX_TRAIL, Place
from db.feed import read_position
from tests.dashboard import MARKETPLACE, streaming, touch_alert, write_alert, write_state
from tests.factories import ASIN, GB, OWN_SELLER, any_offer_changed, offer, pricing_health
from tests.interleave import deliver, letter, work


@pytest.fixture
def database_url(emptied):
    return emptied


@pytest.fixture
def api(module_api, emptied):
    return module_api


def pages(client, path, **params):
    """Every page of a list, one after the other."""
    found, page = [], None
    while True:
        answer = client.get(path, params={**params, **({"page": page} if page else {})})
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        page = found[-1]["next_page"]
        if page is None:
            return found


class TestStates:
    def test_the_worst_come_first_and_among_equals_the_most_money(self, client, conn):
        for n, (severity, stake) in enumerate(
            [("success", None), ("high", 5), ("critical", None), ("high", 50), ("critical", 1)]
        ):
            write_state(conn, f"B{n:09d}", severity=severity)
            conn.execute(
                "UPDATE current_state SET profit_at_stake_per_day = %s, economics_unknown = NULL, "
                "event_time = now(), economics_at = now(), margin_at_current_price = 0 WHERE asin = %s",
                (stake, f"B{n:09d}"),
            )
        found = client.get("/api/state").json()
        assert [row["asin"][-1] for row in found["states"]] == ["4", "2", "3", "1", "0"]
        assert found["counts"] == {
            "critical": 2, "high": 2, "warning": 0, "success": 1, "info": 0,
        }  # fmt: skip

    def test_pages_hold_each_row_once_and_name_the_cursor_of_the_first(self, client, conn):
        for n in range(23):
            severity = ("critical", "high", "success")[n % 3]
            write_state(conn, f"B{n:09d}", severity=severity)
        cursor = read_position(conn)
        found = pages(client, "/api/state", limit=5)
        assert [len(page["states"]) for page in found] == [5, 5, 5, 5, 3]
        keys = [row["key"] for page in found for row in page["states"]]
        assert len(set(keys)) == 23
        assert {page["cursor"] for page in found} == {cursor}

    def test_who_reads_all_pages_and_follows_from_their_cursor_misses_nothing(
        self, api, client, conn
    ):
        for n in range(6):
            write_state(conn, f"B{n:09d}")
        first = client.get("/api/state", params={"limit": 3}).json()
        write_state(conn, "B000000001", severity="critical")  # moves from page two to page one
        rest = client.get("/api/state", params={"limit": 3, "page": first["next_page"]}).json()
        held = {s["key"]: s["version"] for s in first["states"] + rest["states"]}
        with streaming(api.url, since=first["cursor"]) as stream:
            state = stream.next("state").data
            held[state["key"]] = max(held.get(state["key"], 0), state["version"])
        assert sorted(held.values()) == [1, 1, 1, 1, 1, 2]

    def test_filters_are_combined(self, client, conn):
        write_state(conn, "B000000001", severity="critical")
        write_state(conn, "B000000001", marketplace="ATVPDKIKX0DER")
        write_state(conn, "B000000002", severity="critical")
        found = client.get(
            "/api/state",
            params={"asin": ["B000000001", "B000000003"], "marketplace": MARKETPLACE},
        ).json()
        assert [row["product_key"] for row in found["states"]] == [f"{MARKETPLACE}:B000000001"]

    def test_money_is_exact_and_what_is_not_known_is_null(self, client, conn):
        write_state(conn, price="19.10")
        (row,) = client.get("/api/state").json()["states"]
        assert row["your_price"] == "19.10"
        assert row["market_low"] is None
        assert StateList.model_validate(client.get("/api/state").json())

    def test_a_page_of_nobody_is_refused(self, client):
        answer = client.get("/api/state", params={"page": "bm9uc2Vuc2U"})
        assert (answer.status_code, answer.json()["type"]) == (422, "unreadable-page")


class TestAlerts:
    def test_by_severity_then_money_then_newest(self, client, conn):
        given = [("warning", 9), ("critical", None), ("critical", 3), ("high", 7), ("critical", 30)]
        ids = [
            write_alert(conn, f"B{n:09d}", severity=s, stake=stake)
            for n, (s, stake) in enumerate(given)
        ]
        found = pages(client, "/api/notifications/prioritized", limit=2)
        assert [a["id"] for page in found for a in page["alerts"]] == [
            ids[n] for n in (4, 2, 1, 3, 0)
        ]

    def test_the_tabs_and_their_numbers(self, client, conn):
        active = write_alert(conn, "B000000001", severity="high")
        snoozed = write_alert(conn, "B000000002", snoozed="1 hour")
        over = write_alert(conn, "B000000003", snoozed="-1 hour")
        resolved = write_alert(conn, "B000000004", attention="resolved")
        tabs = {
            tab: {
                a["id"]
                for a in client.get("/api/notifications/prioritized", params={"tab": tab}).json()[
                    "alerts"
                ]
            }
            for tab in ("active", "snoozed", "resolved", "all")
        }
        assert tabs == {
            "active": {active, over},
            "snoozed": {snoozed},
            "resolved": {resolved},
            "all": {active, snoozed, over, resolved},
        }
        counts = client.get("/api/notifications/prioritized").json()["counts"]
        assert counts == {"critical": 1, "high": 1, "warning": 0, "snoozed": 1, "resolved": 1}

    def test_since_a_cursor_only_what_changed_after_it(self, client, conn):
        first, second = write_alert(conn, "B000000001"), write_alert(conn, "B000000002")
        cursor = client.get("/api/notifications/prioritized").json()["cursor"]
        touch_alert(conn, first)
        ended = write_alert(conn, "B000000003", attention="resolved")
        found = client.get("/api/notifications/prioritized", params={"since": cursor}).json()
        assert {a["id"] for a in found["alerts"]} == {first, ended}
        assert second not in {a["id"] for a in found["alerts"]}
        again = client.get(
            "/api/notifications/prioritized", params={"since": found["cursor"]}
        ).json()
        assert (again["alerts"], again["reset"]) == ([], None)

    @pytest.mark.parametrize("numbers", ["5:5:", "99999999999:99999999999:"])
    def test_a_cursor_of_no_use_is_said_and_the_whole_list_comes(self, client, conn, numbers):
        """After a restore the numbers of the transactions may be lower than those of before."""
        write_alert(conn)
        since = {"since": f"another.1~{numbers}"}
        found = client.get("/api/notifications/prioritized", params=since).json()
        assert (len(found["alerts"]), found["reset"]) == (1, "other-epoch")


class TestPagesOfOthers:
    LISTS = ("/api/state", "/api/notifications/prioritized")

    @pytest.mark.parametrize(("of", "asked"), [LISTS, LISTS[::-1]])
    def test_a_page_of_another_list_is_refused(self, client, conn, of, asked):
        for asin in ("B000000001", "B000000002"):
            write_state(conn, asin)
            write_alert(conn, asin)
        page = client.get(of, params={"limit": 1}).json()["next_page"]
        assert client.get(of, params={"page": page}).status_code == 200
        answer = client.get(asked, params={"page": page})
        assert (answer.status_code, answer.json()["type"]) == (422, "unreadable-page")

    @pytest.mark.parametrize("listing", ["states", "alerts"])
    @pytest.mark.parametrize(
        ("stake", "key"),
        [
            ("1", "x"),
            ("1", "9" * 30),
            ("1", "\ud800"),
            ("1", "\0"),
            ("NaN", "1"),
            ("1e999999", "1"),
        ],
    )
    def test_a_forged_place_is_no_error_of_the_server(self, client, listing, stake, key):
        place = Place(1, Decimal(stake), key)
        path = dict(zip(("states", "alerts"), self.LISTS, strict=True))[listing]
        answer = client.get(path, params={"page": page_token(listing, Page("c", place))})
        assert answer.status_code in {200, 422}


class TestAProduct:
    def test_its_states_offers_alerts_and_their_trails(self, client, conn):
        offers = [
            offer("A1RIVAL0000001", Decimal("18.50"), Decimal("1.49"), winner=True),
            offer(OWN_SELLER, Decimal("20.49"), fba=True),
        ]
        deliver(conn, letter(any_offer_changed(offers=offers)))
        work(conn)
        alert = write_alert(conn, ASIN)
        conn.execute(
            "INSERT INTO alert_events (alert_id, at, who, change, reason, quiet, voice_why) "
            "VALUES (%s, now(), 'alice', 'acknowledged', 'because', 'x', 'y')",
            (alert,),
        )
        conn.execute(
            "INSERT INTO products (seller_id, marketplace_id, asin, item_condition, "
            "fulfilment_channel, currency, title, updated_at) "
            "VALUES (%s, %s, %s, 'new', 'amazon', 'GBP', 'Mug', now())",
            (OWN_SELLER, GB, ASIN),
        )
        found = client.get(f"/api/state/{GB}/{ASIN}").json()
        assert found["title"] == found["states"][0]["title"] == "Mug"
        (shown,) = found["offers"]
        assert shown["state_key"] == found["states"][0]["key"]
        assert [(o["landed"], o["own"]) for o in shown["offers"]] == [
            ("19.99", False), ("20.49", True),
        ]  # fmt: skip
        ours = next(a for a in found["alerts"] if a["id"] == alert)
        assert [(e["who"], e["change"]) for e in ours["trail"]] == [("alice", "acknowledged")]

    def test_one_alert_s_long_trail_leaves_the_others_theirs(self, client, conn):
        deliver(conn, letter())
        work(conn)
        quiet, busy = (
            write_alert(conn, ASIN, marketplace=GB, kind=k) for k in ("price", "pricing-health")
        )
        conn.execute(
            "INSERT INTO alert_events (alert_id, at, who, change, reason, quiet, voice_why) "
            "SELECT id, now(), 'clock', 'repeated', n::text, 'x', 'y' "
            "FROM unnest(%s::bigint[], %s::integer[]) AS a (id, times), "
            "generate_series(1, a.times) AS n",
            ([quiet, busy], [1, 600]),
        )
        found = client.get(f"/api/state/{GB}/{ASIN}").json()
        trails = {a["id"]: [e["reason"] for e in a["trail"]] for a in found["alerts"]}
        assert trails[quiet] == ["1"]
        assert trails[busy][0] == "600"
        assert len(trails[busy]) == MAX_TRAIL
        assert {a["id"]: a["trail_cut"] for a in found["alerts"]} == {quiet: False, busy: True}
        assert found["alerts_cut"] is False

    def test_a_list_that_is_cut_says_so_and_one_that_just_fits_does_not(self, client, conn):
        def shown():
            found = client.get(f"/api/state/{GB}/{ASIN}").json()
            return len(found["alerts"]), found["alerts_cut"], found["alerts"][0]["trail_cut"]

        for _ in range(MAX_ALERTS_OF_A_PRODUCT):
            newest = write_alert(conn, ASIN, marketplace=GB, attention="resolved")
        conn.execute(
            "INSERT INTO alert_events (alert_id, at, who, change, reason, quiet, voice_why) "
            "SELECT %s, now(), 'clock', 'repeated', '', 'x', 'y' FROM generate_series(1, %s)",
            (newest, MAX_TRAIL),
        )
        assert shown() == (MAX_ALERTS_OF_A_PRODUCT, False, False)
        write_alert(conn, ASIN, marketplace=GB, attention="resolved")
        assert shown()[:2] == (MAX_ALERTS_OF_A_PRODUCT, True)

    def test_without_its_body_the_offers_are_simply_not_there(self, client, conn):
        deliver(conn, letter())
        work(conn)
        conn.execute("DELETE FROM notification_bodies")
        found = client.get(f"/api/state/{GB}/{ASIN}").json()
        assert (len(found["states"]), found["offers"]) == (1, [])

    def test_an_unknown_one_is_not_found(self, client):
        answer = client.get(f"/api/state/{GB}/{ASIN}")
        assert (answer.status_code, answer.json()["type"]) == (404, "unknown-product")


class TestTrends:
    def test_each_line_of_its_own_in_the_order_of_events(self, client, conn):
        now = datetime.now(UTC)
        for minutes, price in ((3, 21), (1, 19), (2, 20)):
            at = (now - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
            offers = [offer(OWN_SELLER, Decimal(price)), offer("A1RIVAL0000001", Decimal(18))]
            deliver(conn, letter(any_offer_changed(offers=offers, event_time=at)))
            work(conn)
        free = any_offer_changed(offers=[offer(OWN_SELLER, Decimal(0))], event_time=at)
        deliver(conn, letter(free), letter(pricing_health(event_time=at)))
        assert work(conn).processed == 2  # one cannot be believed, the other shows no market
        found = client.get(f"/api/competitive-intelligence/trends/{ASIN}").json()
        (line,) = found["series"]
        assert [Decimal(p["your_price"]) for p in line["points"]] == [21, 20, 19]
        assert (line["marketplace_id"], line["currency"], line["messages"]) == (GB, "GBP", 3)
        assert found["cut"] is False

    def test_long_histories_are_thinned_to_the_points_asked_for(self, client, conn):
        conn.execute(
            "INSERT INTO competitive_history (notification_row_id, recorded_at, event_time, "
            "seller_id, marketplace_id, asin, item_condition, audience, kind, outcome, severity, "
            "severity_policy, severity_reasons, currency, your_price, market_low) "
            "SELECT n, now(), now() - n * interval '1 minute', 'S', %s, 'LONG', 'new', 'consumer', "
            "'market', 'applied', 'success', 'full', '{}', 'GBP', 20, CASE n WHEN 777 THEN 1 ELSE 19 END "
            "FROM generate_series(1, 3000) AS n",
            (GB,),
        )
        write_state(conn, "LONG", marketplace=GB)
        found = client.get(
            "/api/competitive-intelligence/trends/LONG", params={"points": 60}
        ).json()
        (line,) = found["series"]
        assert line["messages"] == 3000
        assert len(line["points"]) <= 60
        assert "1" in {p["market_low"] for p in line["points"]}

    @pytest.mark.parametrize(
        ("most", "cut", "prices"), [(3, False, [22, 21, 20]), (2, True, [21, 20])]
    )
    def test_it_is_cut_where_there_is_more_than_is_read_and_the_oldest_goes(
        self, client, conn, monkeypatch, most, cut, prices
    ):
        monkeypatch.setattr(dashboard, "MAX_HISTORY", most)
        monkeypatch.setattr(trends, "MAX_HISTORY", most)
        now = datetime.now(UTC)
        for minutes in range(3):
            at = (now - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
            offers = [offer(OWN_SELLER, Decimal(20 + minutes))]
            deliver(conn, letter(any_offer_changed(offers=offers, event_time=at)))
        work(conn)
        found = client.get(f"/api/competitive-intelligence/trends/{ASIN}").json()
        (line,) = found["series"]
        assert [Decimal(p["your_price"]) for p in line["points"]] == prices
        assert (line["messages"], found["cut"]) == (most, cut)

    def test_too_few_points_are_refused(self, client):
        answer = client.get("/api/competitive-intelligence/trends/X", params={"points": 3})
        assert answer.status_code == 422
