"""Domain values to database rows and back: nothing is lost and nothing is made up."""

from __future__ import annotations

import json
import random
from datetime import UTC
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from msgspec.structs import asdict, replace

from db.params import records
from db.rows import AttemptRow, ClaimedRow, HistoryRow, ProcessedRow, StateRow
from economics.facts import HealthFacts, MarketFacts, Offer, ReferencePrices
from economics.rows import points_from_column
from tests.factories import ASIN, GB, NOW, OWN_SELLER, RIVALS
from tests.strategies import ECONOMY, SUBJECT, after, at, event, health_facts, market_facts, states
from worker.analysis.decide import Claimed, failed_attempt
from worker.analysis.state import Moment, ProductState
from worker.analysis.store import (
    attempt_row,
    claimed_from_row,
    history_from_assessment,
    processed_from_assessment,
    row_from_state,
    state_from_row,
)
from worker.errors import PermanentError

MARKET = MarketFacts(
    currency="GBP",
    offers=(
        Offer(
            seller_id=OWN_SELLER,
            listing=Decimal("12.00"),
            winner=True,
            prime=True,
            fulfilled_by_amazon=True,
        ),
        Offer(seller_id=RIVALS[0], listing=Decimal("9.00"), shippable_now=False),
        Offer(seller_id=RIVALS[1], listing=Decimal("11.00"), winner=True),
    ),
    offer_count=23,
    buy_box_prices=(Decimal("11.00"),),
    flags=("foreign-currency",),
)
HEALTH = HealthFacts(
    currency="GBP",
    issue_type="BuyBoxDisqualification",
    your_price=Decimal("26.50"),
    buy_box_price=Decimal("19.990"),
    offer_count=3,
    reference=ReferencePrices(average_selling=Decimal("21.00"), msrp=Decimal("24.99")),
    flags=("invalid-price",),
)
UNBELIEVABLE = MarketFacts(
    currency="GBP", offers=(Offer(seller_id=OWN_SELLER, listing=Decimal(0)),)
)


def rich_state():
    """A state in which every part is there."""
    dearer = msgspec.structs.replace(
        MARKET, offers=(Offer(seller_id=OWN_SELLER, listing=Decimal(13)),)
    )
    told = [event(0, dearer), event(1, MARKET), event(2, HEALTH), event(3, UNBELIEVABLE)]
    return replace(after(*told, economy=ECONOMY)[0], version=9)


def through_the_database(row):
    """What the row is after a journey as JSON: the form in which the upsert takes it."""
    [plain] = json.loads(records([row]))
    for name in StateRow.__struct_fields__:
        value = getattr(row, name)
        if isinstance(value, Decimal):
            assert plain[name] == str(value), "amounts go as exact text"
            plain[name] = Decimal(plain[name])
        elif hasattr(value, "isoformat"):
            plain[name] = value.fromisoformat(plain[name]).astimezone(UTC)
    return StateRow(**plain)


@given(states)
def test_a_state_comes_back_from_its_row_as_it_went(state):
    assert state_from_row(row_from_state(state)) == state


@given(states)
def test_a_state_comes_back_from_a_row_that_went_as_json(state):
    assert state_from_row(through_the_database(row_from_state(state))) == state


def test_a_state_with_every_part_comes_back_and_fills_every_column():
    """But those that the database fills itself."""
    state = rich_state()
    row = row_from_state(state)
    assert state_from_row(through_the_database(row)) == state
    empty = {name for name, value in asdict(row).items() if value is None}
    nothing_at_stake = {"own_price_unknown", "economics_unknown", "profit_at_stake_per_day"}
    of_the_market = {"last_own_publish_time", "last_own_event_key"}
    assert empty == nothing_at_stake | of_the_market | {"worker_id", "updated_at", "changed_in"}


def test_which_message_told_the_last_own_price_is_stored_where_the_market_is_of_another():
    """Though it is of the very same time."""
    own, none = event(1, MARKET, key="a"), event(1, replace(MARKET, offers=()), key="b")
    state, _ = after(own, none)
    row = row_from_state(state)
    assert (row.last_own_price_at, row.last_own_publish_time) == (at(1), at(1.5))
    assert (row.last_own_event_key, row.event_key) == ("a", "b")
    assert state_from_row(through_the_database(row)) == state


@pytest.mark.parametrize(
    ("market_at", "kept"), [(1, Moment(at(1), at(1.5), "key-1")), (2, Moment(at(1), at(1), ""))]
)
def test_of_a_row_of_before_it_was_stored_the_market_may_tell(market_at, kept):
    told = event(market_at, MARKET)
    row = replace(row_from_state(after(told)[0]), last_own_price_at=at(1))
    state = state_from_row(row)
    assert state.last_own_moment == kept
    assert state_from_row(row_from_state(state)) == state


def test_a_row_says_what_the_market_is_worth():
    """12.00: 10 - 1.80 - 2.50 - 0.086 - 2.00 = 3.61 of 10. 9.00: 7.50 - 1.35 - 2.50 - 0.08 - 2."""
    row = row_from_state(rich_state())
    assert (row.margin_at_current_price, row.margin_at_market_low) == (
        Decimal("36.10"),
        Decimal("20.93"),
    )
    assert row.margin_at_prime_low == row.margin_at_current_price
    assert row.min_viable_price < row.min_price_for_margin < 9
    assert (row.recommendation_code, row.recommended_price) == ("beat-rival", Decimal("8.99"))
    assert (row.own_channel, row.daily_sales) == ("amazon", Decimal("2.5"))
    assert (row.economics_unknown, row.economics_at) == (None, at(1))
    assert json.loads(records([row]))[0]["low_points"] == [
        ["2025-03-04T10:15:30Z", "13", OWN_SELLER],
        [at(1).isoformat().replace("+00:00", "Z"), "9.00", RIVALS[0]],
    ]


def test_points_that_were_written_with_an_offset_are_read_alike():
    """As `isoformat` has it: rows of earlier versions."""
    row = row_from_state(rich_state())
    [plain] = json.loads(records([row]))
    older = [[time.replace("Z", "+00:00"), low, who] for time, low, who in plain["low_points"]]
    assert points_from_column(older) == points_from_column(plain["low_points"]) == row.low_points


def test_rivals_that_are_not_followed_and_the_stake_come_back():
    offers = (
        Offer(seller_id=OWN_SELLER, listing=Decimal("12.00"), winner=False),
        Offer(seller_id=RIVALS[0], listing=Decimal("5.00"), winner=True),
    )
    state, _ = after(event(1, msgspec.structs.replace(MARKET, offers=offers)), economy=ECONOMY)
    row = row_from_state(replace(state, version=1))
    assert row.unfollowable == [{"seller": RIVALS[0], "landed": "5.00"}]
    assert row.profit_at_stake_per_day == Decimal("9.03")  # 2.5 * 3.61, half up
    assert row.risk_flags == ["margin-squeeze"]
    assert state_from_row(through_the_database(row)) == replace(state, version=1)


def test_a_state_of_before_the_economics_says_that_nobody_assessed_them():
    row = replace(row_from_state(rich_state()), economics_at=None)
    assert state_from_row(row).economics is None
    assert row_from_state(state_from_row(row)).economics_unknown == "not assessed yet"


@pytest.mark.parametrize("changes", [{"own_channel": "pigeon"}, {"risk_flags": ["rain"]}])
def test_an_unheard_of_channel_or_flag_is_refused(changes):
    with pytest.raises(ValueError, match=r"pigeon|rain"):
        state_from_row(replace(row_from_state(rich_state()), **changes))


def test_a_row_says_what_the_state_says():
    row = row_from_state(rich_state())
    assert (row.seller_id, row.marketplace_id, row.asin) == (OWN_SELLER, GB, ASIN)
    assert (row.item_condition, row.audience, row.currency) == ("new", "consumer", "GBP")
    assert (row.your_price, row.market_low, row.competitor_low) == (12, 9, 9)
    assert (row.prime_low, row.your_position, row.total_offers) == (12, 3, 23)
    assert (row.buy_box_winner, row.has_buy_box, row.buy_box_price) == (True, True, 11)
    assert row.buy_box_sellers == [RIVALS[1], OWN_SELLER]
    assert row.flags == ["foreign-currency", "low-not-shippable-now"]
    assert (row.event_time, row.publish_time, row.event_key) == (at(1), at(1.5), "key-1")
    assert (row.notification_row_id, row.trace_id) == (10, "trace-key-2")
    assert (row.last_own_price, row.last_own_price_at) == (12, at(1))
    assert (row.your_price_changed_at, row.winner_seen_at) == (at(1), at(1))
    assert (row.health_issue, row.health_at) == ("BuyBoxDisqualification", at(2))
    assert (row.health_event_key, row.health["your_price"]) == ("key-2", "26.50")
    assert (row.doubt_reason, row.doubt_since, row.version) == ("invalid-price", at(3), 9)
    assert (row.severity, row.severity_policy) == ("success", "full")
    assert row.severity_reasons == ["Buy Box winner"]


def test_pricing_health_alone_makes_a_row_without_a_market():
    state, _ = after(event(1, HEALTH))
    row = row_from_state(state)
    assert (row.currency, row.event_time, row.your_price, row.severity) == (
        "GBP",
        None,
        None,
        "info",
    )
    assert state_from_row(row) == state


def test_a_doubt_alone_makes_a_row_without_a_market():
    state, _ = after(event(1, UNBELIEVABLE))
    row = row_from_state(state)
    assert (row.currency, row.event_time, row.doubt_since) == (None, None, at(1))
    assert state_from_row(row) == state


@pytest.mark.parametrize("audience", ["consumer", "business"])
@pytest.mark.parametrize("policy", ["full", "mvp"])
def test_audience_and_policy_come_back(audience, policy):
    state = ProductState(SUBJECT._replace(audience=audience), policy=policy, version=1)
    assert state_from_row(row_from_state(state)) == state


def test_an_unheard_of_severity_is_refused():
    row = replace(row_from_state(rich_state()), severity="meh")
    with pytest.raises(ValueError, match="'meh' is no severity"):
        state_from_row(row)


@given(market_facts)
def test_the_history_has_what_the_message_alone_said(facts):
    told = event(3, facts)
    _, assessment = after(event(9, MARKET), told, economy=ECONOMY)
    row, seen = history_from_assessment(assessment), assessment.market
    assert (row.outcome, row.kind, row.event_time) == ("late", "market", at(3))
    assert (row.notification_row_id, row.currency) == (30, "GBP")
    told_of = (row.seller_id, row.marketplace_id, row.asin, row.item_condition, row.audience)
    assert told_of == SUBJECT
    assert (row.severity, row.severity_reasons) == (assessment.severity, [*assessment.reasons])
    assert (row.severity_policy, row.gap_pct) == ("full", assessment.gap_pct)
    same = set(HistoryRow.__struct_fields__) & set(seen.__struct_fields__)
    assert len(same) == 13
    for name in same:
        value = getattr(row, name)
        assert (tuple(value) if isinstance(value, list) else value) == getattr(seen, name), name
    for name in ("margin_at_current_price", "margin_at_prime_low", "min_viable_price"):
        assert getattr(row, name) == getattr(assessment.economics.view, name), name


@given(health_facts)
def test_the_history_of_pricing_health_has_no_market(facts):
    _, assessment = after(event(1, MARKET), event(3, facts))
    row = history_from_assessment(assessment)
    assert (row.kind, row.outcome, row.currency) == ("health", "applied", "GBP")
    market = (row.your_price, row.market_low, row.your_position, row.has_buy_box, row.gap_pct)
    assert market == (None,) * 5
    assert row.buy_box_sellers is None
    assert (row.severity, row.event_time) == (assessment.severity, at(3))


def test_a_rejected_message_keeps_its_flag_in_the_history():
    row = history_from_assessment(after(event(1, UNBELIEVABLE))[1])
    assert (row.outcome, row.severity, row.flags) == ("rejected", "info", ["invalid-price"])
    assert row.your_price is None


def test_the_mark_on_a_notification_has_its_outcome():
    _, assessment = after(event(2, MARKET), event(1, MARKET))
    mark = processed_from_assessment(assessment)
    assert mark == ProcessedRow(10, "late", assessment.severity, "full")


CLAIMED_ROW = ClaimedRow(
    id=7,
    seller_id=OWN_SELLER,
    marketplace_id=GB,
    asin=ASIN,
    item_condition="new",
    audience="consumer",
    event_time=at(1),
    publish_time=at(1.5),
    event_key="key",
    attempts=2,
    trace_id="trace",
    facts="{}",
)


def test_a_claimed_row_comes_as_it_is():
    expected = Claimed(7, SUBJECT, Moment(at(1), at(1.5), "key"), 2, "trace", "{}")
    assert claimed_from_row(CLAIMED_ROW) == expected
    assert claimed_from_row(replace(CLAIMED_ROW, facts=None)).facts_json is None
    business = claimed_from_row(replace(CLAIMED_ROW, audience="business"))
    assert business.subject == SUBJECT._replace(audience="business")


def test_a_claimed_row_without_a_publish_time_was_published_when_it_happened():
    moment = claimed_from_row(replace(CLAIMED_ROW, publish_time=None)).moment
    assert moment == Moment(at(1), at(1), "key")


@pytest.mark.parametrize("error", [PermanentError("no"), OSError("later")])
def test_a_failed_attempt_names_its_product_and_its_next_time(error):
    failed = failed_attempt(
        claimed_from_row(CLAIMED_ROW), error, now=NOW, max_attempts=9, jitter=random.Random(1)
    )
    assert attempt_row(failed) == AttemptRow(
        row_id=7,
        product_key=f"{GB}:{ASIN}",
        trace_id="trace",
        error_type=type(error).__name__,
        error_message=str(error),
        next_attempt_at=failed.next_attempt_at,
    )
    assert (failed.next_attempt_at is None) == isinstance(error, PermanentError)
