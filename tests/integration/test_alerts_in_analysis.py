"""Alerts in the transaction of the state they speak of: raised once, kept, never falsely cleared."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import psycopg
import pytest

from db.feed import read_changes, read_position
from tests.alerting import Story, market, market_time
from tests.factories import price_row, pricing_health
from tests.interleave import Background, Ear, begin, counts, deliver, letter
from worker.alerts import ticking
from worker.errors import StateMovedError

PEOPLE = """
UPDATE alerts SET attention = 'reviewing', acknowledged_by = 'ann', acknowledged_at = now(),
    note = 'asked the supplier', assignee = 'bob', looked_at = now()
"""
PEOPLES = ("attention", "acknowledged_by", "acknowledged_at", "note", "assignee", "looked_at")


@pytest.fixture
def story(conn):
    return Story(conn)


@pytest.fixture
def in_transaction(open_connection):
    return begin(open_connection())


# raised -------------------------------------------------------------------------------------------


def test_a_bad_state_raises_one_alert_with_its_trail_and_its_message(story):
    story.see("critical", 0)
    (alert,) = story.alerts()
    assert (alert["severity"], alert["condition"], alert["attention"]) == (
        "critical",
        "firing",
        "new",
    )
    assert alert["fingerprint"] == f"{story.asin}|A1F83G8C2ARO7P|critical"
    assert alert["facts"]["your_price"] == "30.00"
    assert alert["facts"]["total_offers"] == 12
    assert story.changes() == ["raised"]
    (message,) = story.rows("SELECT * FROM alert_queues")
    assert (message["queue"], message["reach"], message["status"]) == (
        "high_priority",
        "immediate-channels",
        "queued",
    )
    assert message["scheduled_at"] == story.at(0)
    assert message["reason"] == "critical: at once"


def test_a_used_offer_is_told_of_though_used_goods_have_no_buy_box(story):
    """Amazon's summary names the Buy Box of new offers, as it does for most products."""
    message = market("critical", story.at(0), asin=story.asin)
    content = message["Payload"]["AnyOfferChangedNotification"]
    content["OfferChangeTrigger"]["ItemCondition"] = "used"
    content["Summary"]["NumberOfOffers"][0]["Condition"] = "used"
    content["Summary"]["BuyBoxPrices"] = [price_row(40, Condition="New")]
    for row in content["Offers"]:
        row["IsBuyBoxWinner"] = False
    deliver(story.conn, letter(message))
    assert story.work(0).processed == 1
    assert story.alerts("buy-box-suppressed") == []
    assert story.newest()["severity"] == "critical"
    assert story.told() == [(0, "raised")]


def test_what_is_due_at_once_has_a_job_and_what_can_wait_has_none(story):
    story.see("warning", 0)
    dispatches = "SELECT id FROM procrastinate_jobs WHERE task_name = 'dispatch_alerts'"
    assert story.rows(dispatches) == []
    reaches = story.rows("SELECT reach, scheduled_at > %s AS later FROM alert_queues", story.at(0))
    assert {row["reach"] for row in reaches} == {"batch", "digest"}
    assert all(row["later"] for row in reaches)
    story.see("critical", 1)
    assert len(story.rows(dispatches)) == 1


def test_all_clear_leaves_no_row_of_an_alert(story):
    for minute in range(3):
        story.see("success", minute)
    assert story.alerts() == []
    assert story.rows("SELECT * FROM alert_queues") == []
    assert story.rows("SELECT what, sum(n)::int AS n FROM alert_tallies GROUP BY what") == [
        {"what": "assessed", "n": 3}
    ]


def test_what_was_assessed_counts_for_the_utc_day_on_which_it_was(story):
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    story.begin = datetime.combine(yesterday, time(0), UTC)
    story.see("success", 1)
    story.see("success", 24 * 60 - 1)
    assert story.rows("SELECT DISTINCT day FROM alert_tallies") == [{"day": yesterday}]


def test_each_audience_and_each_cause_is_an_alert_of_its_own(story):
    story.see("critical", 0)
    story.see("critical", 1, b2b=True)
    story.see("info", 2, suppressed=True)
    kinds = [row["kind"] for row in story.rows("SELECT kind FROM alerts ORDER BY id")]
    assert kinds == ["price", "business-price", "buy-box-suppressed"]


def test_alert_message_and_jobs_come_and_go_with_the_state(story, in_transaction):
    story.file("critical", 0)
    before = counts(story.conn)
    story.work(0, in_transaction)
    in_transaction.rollback()
    assert counts(story.conn) == before
    assert story.alerts() == []
    assert story.work(0).processed == 1
    assert len(story.alerts()) == 1


# kept ---------------------------------------------------------------------------------------------


def test_the_same_again_touches_counters_times_and_facts_only(story):
    story.see("critical", 0)
    story.execute(PEOPLE)
    before = story.newest()
    story.see("critical", 5)
    after = story.newest()
    assert after["occurrences"] == 2
    assert after["last_seen"] == story.at(5)
    assert {name: after[name] for name in PEOPLES} == {name: before[name] for name in PEOPLES}
    assert story.changes() == ["raised"]
    assert after["last_heard"].startswith("deduplicated: ")
    tallies = story.rows("SELECT what, sum(n)::int AS n FROM alert_tallies GROUP BY 1 ORDER BY 1")
    assert tallies == [{"what": "assessed", "n": 2}, {"what": "deduplicated", "n": 1}]


def test_what_changes_an_alert_changes_its_place_in_the_feed(story):
    """The bell only hints: who reads on from a cursor must find the alert that was touched."""
    story.see("critical", 0)
    cursor = read_position(story.conn)
    assert read_changes(story.conn, cursor).alerts == []
    story.see("critical", 5)
    (alert,) = read_changes(story.conn, cursor).alerts
    assert alert.id == story.newest()["id"]


def test_worse_takes_the_place_of_the_alert_and_both_say_so(story):
    story.see("warning", 0)
    story.execute(PEOPLE)
    story.see("critical", 1)
    old, new = story.alerts()
    assert (old["attention"], old["resolution"]) == ("resolved", "superseded")
    assert (old["superseded_by"], new["supersedes"]) == (new["id"], old["id"])
    assert (new["attention"], new["acknowledged_by"]) == ("new", None)
    assert (new["note"], new["assignee"]) == ("asked the supplier", "bob")
    assert story.changes() == ["raised", "superseded", "rose"]


def test_what_waited_to_be_told_of_the_lesser_one_is_dropped(story):
    story.see("warning", 0)
    story.see("critical", 1)
    rows = story.rows("SELECT severity, status, reason FROM alert_queues ORDER BY id")
    assert [(row["severity"], row["status"]) for row in rows] == [
        ("warning", "suppressed"),
        ("warning", "suppressed"),
        ("critical", "queued"),
    ]
    assert "what followed says more" in rows[0]["reason"]


def test_a_chain_of_rises_in_one_transaction_is_one_open_alert(story):
    for minute, severity in enumerate(["warning", "high", "critical"]):
        story.file(severity, minute)
    assert story.work(3).processed == 3
    first, second, third = story.alerts()
    assert len({a["changed_in"] for a in (first, second, third)}) == 1
    assert [a["attention"] for a in (first, second, third)] == ["resolved", "resolved", "new"]
    assert (first["superseded_by"], second["supersedes"]) == (second["id"], first["id"])
    assert (second["superseded_by"], third["supersedes"]) == (third["id"], second["id"])
    queued = story.rows("SELECT alert_id FROM alert_queues WHERE status = 'queued'")
    assert queued == [{"alert_id": third["id"]}]


def test_a_late_message_is_history_and_no_alert_hears_it(story):
    story.see("success", 10)
    story.see("critical", 5)
    assert story.alerts() == []
    story.see("critical", 20)
    story.see("success", 15)
    assert story.newest()["occurrences"] == 1


def test_a_late_message_that_ends_a_pricing_health_is_heard(story):
    health = pricing_health(asin=story.asin, event_time=market_time(story.at(1)))
    deliver(story.conn, letter(health))
    story.work(1)
    assert story.newest("pricing-health")["condition"] == "firing"
    story.see("high", 10)
    story.see("success", 5)
    assert story.rows("SELECT health_at FROM current_state") == [{"health_at": None}]
    assert story.newest("pricing-health")["below_high_since"] == story.at(5)


# cleared ------------------------------------------------------------------------------------------


def test_it_clears_when_the_data_have_held_and_no_tick_before(story):
    story.see("critical", 0)
    story.see("success", 10)
    story.tick(14.9)
    assert story.newest()["condition"] == "firing"
    story.tick(15)
    alert = story.newest()
    assert (alert["condition"], alert["resolution"]) == ("cleared", "cleared")
    assert story.told() == [(0, "raised"), (15, "cleared")]
    assert story.tick(16) == 0


def test_a_change_of_the_settings_concerns_what_was_due_by_the_old_ones(story):
    story.see("critical", 0)
    story.see("success", 10)
    assert story.newest()["due_at"] == story.at(15)
    story.execute("UPDATE alert_settings SET clear_hold = '1 minute'")
    assert story.newest()["due_at"] > story.at(60)  # now, by the clock of the database


def test_what_cannot_be_known_clears_nothing(story):
    story.see("critical", 0)
    story.see("unknown", 10)
    story.tick(60 * 23)
    alert = story.newest()
    assert alert["condition"] == "firing"
    assert alert["unknown_since"] == story.at(10)


def test_a_relapse_after_a_clear_is_told_anew(story):
    story.see("critical", 0)
    story.see("success", 10)
    story.see("critical", 20)
    first, second = story.alerts()
    assert (first["resolution"], second["attention"]) == ("cleared", "new")
    assert second["supersedes"] is None


def test_a_subject_that_stays_well_costs_nothing_in_the_end(story):
    story.see("critical", 0)
    for minute in range(10, 40):
        story.see("success", minute)
    alert = story.newest()
    assert (alert["resolution"], alert["flap_seen"], alert["due_at"]) == ("cleared", [], None)
    story.see("success", 41)
    assert story.newest() == alert


def test_a_tick_without_time_for_all_takes_what_has_waited_longest(conn, monkeypatch):
    monkeypatch.setattr(ticking, "ALERTS_AT_ONCE", 1)
    for minute, asin in enumerate(("B000000002", "B000000001", "B000000003")):
        story = Story(conn, asin=asin)
        story.see("critical", minute)
    assert ticking.tick(conn, now=story.at(70), seconds=0) == 1
    assert story.rows("SELECT asin FROM alerts WHERE escalation_level = 1") == [
        {"asin": "B000000002"}
    ]


def test_a_tick_takes_all_that_is_due_part_by_part_until_it_is_told_to_stop(conn, monkeypatch):
    """However many are due after a night without a worker."""
    monkeypatch.setattr(ticking, "ALERTS_AT_ONCE", 1)
    for asin in ("B000000001", "B000000002", "B000000003"):
        Story(conn, asin=asin).see("critical", 0)
    due = Story(conn).at(70)
    assert ticking.tick(conn, now=due, seconds=60, stop=lambda: True) == 1
    assert ticking.tick(conn, now=due, seconds=60) == 2


# who else is there --------------------------------------------------------------------------------


def test_two_that_open_an_alert_of_one_subject_at_once_leave_one(story, in_transaction):
    """By psql, say. T2 finds the subject taken, and its second try hears the alert that is there."""
    story.file("critical", 0)
    in_transaction.execute(
        """
        INSERT INTO alerts (seller_id, marketplace_id, asin, item_condition, kind, severity,
                            first_seen, last_seen, last_event_time, waiting_since)
        VALUES ('A2OWNSELLER001', 'A1F83G8C2ARO7P', %s, 'new', 'price', 'critical',
                now(), now(), '2020-01-01', now())
        """,
        (story.asin,),
    )
    meanwhile = Background(story.work, 0)
    with psycopg.connect(in_transaction.info.dsn, autocommit=True) as observer:
        meanwhile.until_blocked(observer)
    in_transaction.commit()
    with pytest.raises(StateMovedError):
        meanwhile.result()
    assert story.work(0).processed == 1
    (alert,) = story.alerts()
    assert alert["occurrences"] == 2


def test_the_bell_of_the_alerts_rings_once_a_transaction_and_not_for_counters(
    story, open_connection
):
    ear = Ear(open_connection, "buybox_alerts")
    story.see("critical", 0)
    (bell,) = ear.heard()
    assert f'["A1F83G8C2ARO7P:{story.asin}","critical"]' in bell.payload
    story.see("critical", 1)
    assert ear.heard() == []


def test_the_clock_rings_for_what_it_changed_and_not_where_nothing_is_due(story, open_connection):
    story.see("critical", 0)
    ear = Ear(open_connection, "buybox_alerts")
    story.tick(61)
    (bell,) = ear.heard()
    assert f'["A1F83G8C2ARO7P:{story.asin}","critical"]' in bell.payload
    story.tick(62)
    assert ear.heard() == []


def test_ticks_of_two_workers_at_once_tell_once(story, in_transaction):
    story.see("critical", 0)
    assert story.tick(61, in_transaction) == 1
    assert story.tick(61) == 0
    in_transaction.commit()
    assert [kind for _, kind in story.told()] == ["raised", "escalated"]
