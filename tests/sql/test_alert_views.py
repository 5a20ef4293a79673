"""The views of the alerts: what they say of rows whose answer is known by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from db import acts
from db.operators import read_view
from tests import alert_rows as rows
from tests.acting import act
from tests.alerts import HOUR, MINUTE, NOW

END = {"attention": "resolved", "resolution": "manual", "resolved_by": "x", "resolved_at": NOW}


@pytest.fixture
def now(scratch) -> datetime:
    """The transaction's time: that of now() in the views."""
    return scratch.execute("SELECT now()").fetchone()[0]


# active alerts ------------------------------------------------------------------------------------


def test_active_alerts_come_worst_first_then_by_money_then_the_oldest(scratch, now):
    def put(asin, severity, stake, age):
        given = rows.product(asin, severity=severity, first_seen=now - age * HOUR)
        return rows.store(scratch, given, profit_at_stake_per_day=stake, currency="GBP")

    in_order = [
        ("B0MUCH0001", "critical", 90, 1),
        ("B0LITTLE01", "critical", Decimal("0.5"), 9),
        ("B0OLD00001", "critical", None, 5),
        ("B0YOUNG001", "critical", None, 2),
        ("B0HIGH0001", "high", 1000, 9),
        ("B0WARNING1", "warning", 5000, 9),
    ]
    expected = [put(*one) for one in reversed(in_order)][::-1]
    put_last = rows.store(scratch, rows.product("B0ENDED001"), **END)
    found = read_view(scratch, "active_alerts")
    assert [one["id"] for one in found] == expected
    assert put_last not in expected
    assert (found[0]["age"], found[0]["true_since"]) == (HOUR, now - HOUR)
    assert found[0]["fingerprint"] == "B0MUCH0001|A1F83G8C2ARO7P|critical"


def test_an_active_alert_says_since_when_it_is_true_across_earlier_ones(scratch, now):
    rows.store(scratch, first_seen=now - HOUR, still_true_since=now - 9 * HOUR)
    (one,) = read_view(scratch, "active_alerts")
    assert (one["age"], one["true_since"]) == (9 * HOUR, now - 9 * HOUR)


@pytest.mark.parametrize(("minutes", "snoozed"), [(None, False), (-1, False), (1, True)])
def test_a_snooze_counts_until_it_is_over(scratch, now, minutes, snoozed):
    until = minutes and now + minutes * MINUTE
    rows.store(scratch, snooze_until=until, snoozed_by="ann")
    (one,) = read_view(scratch, "active_alerts")
    assert (one["is_snoozed"], one["snooze_until"]) == (snoozed, until)


def test_the_title_is_that_of_the_product_if_it_is_known(scratch):
    rows.store(scratch)
    rows.store(scratch, rows.product("B0OTHER001"))
    of = {"marketplace_id": "A1F83G8C2ARO7P", "item_condition": "new"}
    more = {"fulfilment_channel": "amazon", "currency": "GBP", "updated_at": NOW}
    for asin, seller, sku, title, other in (
        ("B0ALERTS01", "A1OWN", "", None, {}),
        ("B0ALERTS01", "A1OWN", "b", "A kettle", {}),
        ("B0OTHER001", "A2RIVAL", "", "A rival's", {}),
        ("B0OTHER001", "A1OWN", "", "Elsewhere", {"marketplace_id": "A1PA6795UKMFR9"}),
        ("B0OTHER001", "A1OWN", "", "Used", {"item_condition": "used"}),
    ):
        key = of | {"asin": asin, "seller_id": seller, "sku": sku} | other
        rows.insert(scratch, "products", title=title, **key, **more)
    found = {one["asin"]: one["title"] for one in read_view(scratch, "active_alerts")}
    assert found == {"B0ALERTS01": "A kettle", "B0OTHER001": None}


def test_what_people_did_is_on_the_active_alert(scratch):
    one = rows.store(scratch)
    act(acts.acknowledge_alerts, scratch, one, who="ann", note="asking", now=NOW)
    act(acts.assign_alerts, scratch, one, who="ann", assignee="bob", now=NOW)
    (found,) = read_view(scratch, "active_alerts")
    names = ("acknowledged_by", "acknowledged_at", "note", "assignee")
    assert tuple(found[name] for name in names) == ("ann", NOW, "asking", "bob")


# the funnel ---------------------------------------------------------------------------------------


def test_the_funnel_adds_up_each_utc_day(scratch, now):
    noon = now.astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    one = rows.store(scratch)
    for days, what, n in (
        (0, "assessed", 900),
        (0, "assessed", 100),
        (0, "deduplicated", 700),
        (0, "snoozed", 3),
        (0, "deduplicated", 50),
        (1, "assessed", 7),
        (30, "assessed", 9),
        (30, "deduplicated", 9),
    ):
        rows.insert(scratch, "alert_tallies", day=noon - timedelta(days=days), what=what, n=n)
    rows.event(scratch, one, "raised", from_phase=None, at=noon)
    rows.event(scratch, one, "rose", from_phase=None, at=noon, quiet="inhibited")
    rows.event(scratch, one, "repeated", at=noon)
    rows.event(scratch, one, "repeated", at=noon - timedelta(days=40))
    sent = {"status": "delivered", "delivered_at": noon, "created_at": noon}
    rows.delivery(scratch, **sent)
    rows.delivery(scratch, **sent)
    rows.delivery(scratch, status="failed", created_at=noon - timedelta(days=2))
    rows.delivery(scratch, created_at=noon)
    rows.delivery(scratch, status="failed", created_at=noon - timedelta(days=31))

    none = {"assessed": 0, "raised": 0, "suppressed": {}, "told": 0, "delivered": 0, "failed": 0}
    day = noon.date()
    assert read_view(scratch, "alert_funnel") == [
        {
            "day": day,
            "assessed": 1000,
            "raised": 2,
            "suppressed": {"deduplicated": 750, "snoozed": 3},
            "told": 2,
            "delivered": 2,
            "failed": 0,
        },
        {**none, "day": day - timedelta(days=1), "assessed": 7},
        {**none, "day": day - timedelta(days=2), "failed": 1},
    ]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_day_is_utc_s_whoever_asks(scratch, now, zone):
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    one = rows.store(scratch)
    for at in (midnight - MINUTE, midnight, midnight + MINUTE):
        rows.event(scratch, one, "raised", from_phase=None, at=at)
    scratch.execute("SELECT set_config('timezone', %s, true)", (zone,))
    found = [(one["day"], one["raised"]) for one in read_view(scratch, "alert_funnel")]
    day = midnight.date()
    assert found == [(day, 2), (day - timedelta(days=1), 1)]


# deliveries that failed ---------------------------------------------------------------------------


def test_delivery_failures_are_what_did_not_arrive_and_why(scratch, now):
    one, two = rows.store(scratch), rows.store(scratch, rows.product("B0OTHER001"))
    messages = [rows.message(scratch, alert_id) for alert_id in (two, one, one)]
    route = rows.insert(
        scratch,
        "alert_routes",
        name="phone",
        channel="apprise",
        url_encrypted=b"secret",
        url_masked="ntfy://***",
        trouble="the password is refused",
        created_by="ann",
    )
    trouble = {"last_error": "401", "error_class": "auth", "attempts": 1}
    again = rows.delivery(
        scratch, created_at=now - 2 * HOUR, next_attempt_at=now, **{**trouble, "error_class": None}
    )
    given_up = rows.delivery(
        scratch, *messages, status="failed", route_id=route, created_at=now - HOUR, **trouble
    )
    rows.delivery(scratch, created_at=now)
    rows.delivery(scratch, created_at=now, status="cancelled", **trouble)
    rows.delivery(scratch, created_at=now, status="delivered", delivered_at=now, **trouble)
    rows.delivery(scratch, created_at=now - timedelta(days=8), status="failed", **trouble)

    found = read_view(scratch, "delivery_failures")
    assert [(one["id"], one["status"]) for one in found] == [
        (given_up, "failed"),
        (again, "queued"),
    ]
    assert [row["alert_ids"] for row in found] == [[one, two], []]
    assert (found[0]["route_trouble"], found[1]["route_trouble"]) == (
        "the password is refused",
        None,
    )
    assert not any("url" in column for column in found[0])


# how fast people are ------------------------------------------------------------------------------


def test_the_time_to_acknowledge_counts_from_the_first_message(scratch, now):
    noon = now.astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0)

    def acknowledged(asin, severity, *steps):
        """(change, minute, more) a step."""
        one = rows.store(scratch, rows.product(asin, severity=severity))
        for change, minute, more in steps:
            phase = {"from_phase": f"{severity} firing/new"}
            rows.event(scratch, one, change, at=noon + minute * MINUTE, **(phase | more))

    act = {"quiet": "act-of-a-person", "who": "ann"}
    muted = {"quiet": "inhibited"}
    acknowledged("B0PROMPT01", "critical", ("raised", 0, {}), ("acknowledged", 2, act))
    acknowledged(
        "B0MUTED001",
        "critical",
        ("raised", 0, muted),
        ("told-late", 9, {}),
        ("acknowledged", 13, act),
    )
    acknowledged(
        "B0AGAIN001",
        "critical",
        ("raised", 0, {}),
        ("acknowledged", 60, act),
        ("unacknowledged", 70, act),
        ("acknowledged", 500, act),
    )
    acknowledged("B0UNTOLD01", "high", ("raised", 0, muted), ("acknowledged", 5, act))
    eased = {**act, "from_phase": "warning firing/delivered"}
    acknowledged("B0EASED001", "high", ("raised", 0, {}), ("acknowledged", 7, eased))
    acknowledged("B0NEVER001", "high", ("raised", 0, {}))
    long_ago = -40 * 24 * 60
    acknowledged("B0OLD00001", "high", ("raised", long_ago, {}), ("acknowledged", long_ago, act))
    day_before = -24 * 60
    acknowledged(
        "B0BEFORE01", "high", ("raised", day_before, {}), ("acknowledged", day_before, act)
    )

    found = [tuple(one.values()) for one in read_view(scratch, "mean_time_to_acknowledge")]
    assert found == [
        (noon.date(), "critical", 3, Decimal(22 * 60), Decimal(4 * 60)),
        (noon.date(), "high", 1, Decimal(5 * 60), Decimal(5 * 60)),
        (noon.date(), "warning", 1, Decimal(7 * 60), Decimal(7 * 60)),
        (noon.date() - timedelta(days=1), "high", 1, Decimal(0), Decimal(0)),
    ]


# the trail ----------------------------------------------------------------------------------------


def test_the_trail_reads_newest_first_and_says_what_was_told(scratch):
    one = rows.store(scratch)
    rows.event(scratch, one, "raised", from_phase=None, to_phase="high firing/new")
    act(acts.acknowledge_alerts, scratch, one, who="ann", note=None, now=NOW)
    act(acts.resolve_alerts, scratch, one, who="bob", now=NOW)
    trail = read_view(scratch, "alert_trail")
    assert [(e["who"], e["change"], e["voice"], e["ended"]) for e in trail] == [
        ("bob", "resolved", "quiet: act-of-a-person", ["acknowledgement"]),
        ("ann", "acknowledged", "quiet: act-of-a-person", []),
        ("data", "raised", "told: raised", []),
    ]
    assert trail[0]["to_phase"] == "high firing/resolved(manual)"
    assert trail[0]["product_key"] == "A1F83G8C2ARO7P:B0ALERTS01"
