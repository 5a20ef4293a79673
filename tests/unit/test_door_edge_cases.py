"""What is missing, contradictory, foreign or plainly wrong, and what the door does about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from economics.facts import facts_from_json, facts_to_json
from tests.factories import (
    GB,
    NOW,
    OWN_SELLER,
    RIVALS,
    any_offer_changed,
    arrival,
    b2b_any_offer_changed,
    camel_case,
    money,
    offer,
    price_row,
    pricing_health,
)
from worker.ingest.door import FUTURE_TOLERANCE, read
from worker.ingest.notification import Notification, Rejection

UNKNOWN_MARKETPLACE = "A38D8NSA03LJTC"
ANALYSED = pytest.mark.parametrize(
    "build", [any_offer_changed, b2b_any_offer_changed, pricing_health]
)


def facts(message):
    result = read(arrival(message), now=NOW)
    assert isinstance(result, Notification), result
    assert facts_from_json(facts_to_json(result.facts)) == result.facts
    return result.facts


def refuse(message, **overrides):
    result = read(arrival(message, **overrides), now=NOW)
    assert isinstance(result, Rejection), result
    assert result.error_message.endswith(".")
    assert len(result.error_message) <= 500
    return result


def content(message):
    return message["Payload"]["AnyOfferChangedNotification"]


@pytest.mark.parametrize("amount", [0, Decimal("0.0"), Decimal("-1.50")])
def test_an_offer_at_zero_or_below_is_kept_for_analysis_to_judge(amount):
    [found] = facts(any_offer_changed(offers=[offer(listing=amount)])).offers
    assert found.listing == amount


@pytest.mark.parametrize("offers", [None, []])
def test_missing_offers_leave_the_summary_readable(offers):
    message = any_offer_changed()
    content(message)["Offers"] = offers
    found = facts(message)
    assert (found.offers, found.offer_count) == ((), 4)
    assert len(found.lowest_prices) == 2


def test_a_missing_own_offer_is_no_reason_to_refuse():
    found = facts(any_offer_changed(offers=[offer(RIVALS[0])]))
    assert OWN_SELLER not in {row.seller_id for row in found.offers}


def test_several_own_offers_are_all_kept():
    rows = [offer(OWN_SELLER, 20, fba=True, winner=True), offer(OWN_SELLER, 19), offer(RIVALS[0])]
    found = facts(any_offer_changed(offers=rows)).offers
    assert [o.winner for o in found if o.seller_id == OWN_SELLER] == [True, False]


def test_several_winners_and_an_absent_winner_flag_are_kept_as_sent():
    rows = [offer(winner=True), offer(winner=True), offer(winner=False), offer(winner=None)]
    found = facts(any_offer_changed(offers=rows)).offers
    assert [o.winner for o in found] == [True, True, False, None]


def test_offers_stay_in_the_order_sent_with_ties():
    rows = [offer(RIVALS[1], 30), offer(RIVALS[0], 10), offer(RIVALS[2], 10)]
    found = facts(any_offer_changed(offers=rows)).offers
    assert [o.seller_id for o in found] == [RIVALS[1], RIVALS[0], RIVALS[2]]


def test_a_summary_without_a_buy_box_for_the_condition_is_a_suppressed_buy_box():
    used = [price_row(6, Condition="Used")]
    assert facts(any_offer_changed(summary={"BuyBoxPrices": used})).buy_box_prices == ()
    assert facts(any_offer_changed(summary={"BuyBoxPrices": None})).buy_box_prices == ()


def test_without_a_summary_nothing_is_known_about_the_buy_box():
    message = any_offer_changed()
    del content(message)["Summary"]
    found = facts(message)
    assert (found.buy_box_prices, found.offer_count) == (None, None)


def test_an_unreadable_buy_box_row_is_no_suppressed_buy_box():
    rows = [price_row(6, "USD", Condition="New")]
    assert facts(any_offer_changed(summary={"BuyBoxPrices": rows})).buy_box_prices is None


def test_more_than_twenty_offers_are_counted_by_the_summary():
    counts = [
        {"Condition": "new", "FulfillmentChannel": "Amazon", "OfferCount": 3},
        {"Condition": "New", "FulfillmentChannel": "Merchant", "OfferCount": 20},
    ]
    assert facts(any_offer_changed(summary={"NumberOfOffers": counts})).offer_count == 23


def test_no_offer_of_the_condition_is_zero_only_if_none_is_sent_either():
    used = [{"Condition": "used", "FulfillmentChannel": "Merchant", "OfferCount": 5}]
    summary = {"NumberOfOffers": used}
    assert facts(any_offer_changed(summary=summary, offers=[])).offer_count == 0
    assert facts(any_offer_changed(summary=summary)).offer_count is None
    assert facts(any_offer_changed(summary={"NumberOfOffers": []}, offers=[])).offer_count is None


@pytest.mark.parametrize("availability", ["FUTURE_WITH_DATE", "future_without_date"])
def test_an_offer_that_ships_later_is_kept_and_marked(availability):
    rows = [offer(availability=availability), offer(availability=""), offer(ShippingTime=None)]
    found = facts(any_offer_changed(offers=rows)).offers
    assert [o.shippable_now for o in found] == [False, True, True]


def test_an_offer_without_a_price_or_a_seller_is_left_out_and_flagged():
    rows = [offer(), offer(ListingPrice=None), offer(ListingPrice={}), offer("")]
    found = facts(any_offer_changed(offers=rows))
    assert len(found.offers) == 1
    assert found.flags == ("offer-without-price", "offer-without-seller")


def test_null_is_the_same_as_absent_everywhere():
    bare = {
        "SellerId": RIVALS[0], "ListingPrice": money(5), "Shipping": None, "SubCondition": None,
        "IsBuyBoxWinner": None, "IsFulfilledByAmazon": None, "PrimeInformation": None,
    }  # fmt: skip
    rows = {key: [None] for key in ("LowestPrices", "BuyBoxPrices", "NumberOfOffers")}
    found = facts(any_offer_changed(offers=[None, bare], summary=rows))
    assert (
        found.offers
        == facts(
            any_offer_changed(offers=[{k: v for k, v in bare.items() if v is not None}])
        ).offers
    )


def test_unknown_keys_and_values_nobody_keeps_are_ignored():
    message = any_offer_changed(NotificationVersion=7, Extra={"a": [1]})
    content(message)["Summary"] |= {"SalesRankings": "none", "NumberOfBuyBoxEligibleOffers": -1}
    assert facts(message).offers


# Currency


def test_foreign_rows_are_left_out_and_flagged_once():
    rows = [offer(), offer(currency="USD"), offer(OWN_SELLER, currency="EUR")]
    lowest = [price_row(9), price_row(8, "USD")]
    found = facts(any_offer_changed(offers=rows, summary={"LowestPrices": lowest}))
    assert (len(found.offers), len(found.lowest_prices)) == (1, 1)
    assert found.flags == ("foreign-currency",)


@ANALYSED
def test_prices_in_another_currency_than_the_marketplace_are_refused(build):
    result = refuse(build(currency="USD"))
    assert result.error_type == "currency-mismatch"
    assert "GBP" in result.error_message


def test_an_unknown_marketplace_trades_in_the_currency_of_its_message():
    message = any_offer_changed(marketplace_id=UNKNOWN_MARKETPLACE, currency="CHF")
    assert facts(message).currency == "CHF"


def test_an_unknown_marketplace_with_several_currencies_is_refused():
    rows = [offer(currency="USD"), offer(currency="EUR")]
    message = any_offer_changed(marketplace_id=UNKNOWN_MARKETPLACE, offers=rows)
    assert refuse(message).error_type == "currency-mismatch"


def test_without_any_price_the_marketplace_still_knows_its_currency():
    assert facts(any_offer_changed(offers=[], Payload=_bare_payload(GB))).currency == "GBP"
    result = refuse(any_offer_changed(Payload=_bare_payload(UNKNOWN_MARKETPLACE)))
    assert result.error_type == "missing-field"
    assert "CurrencyCode" in result.error_message


def _bare_payload(marketplace_id):
    trigger = {"MarketplaceId": marketplace_id, "ASIN": "B0", "ItemCondition": "new"}
    return {"AnyOfferChangedNotification": {"SellerId": OWN_SELLER, "OfferChangeTrigger": trigger}}


# Amounts


@pytest.mark.parametrize("digits", ["28.590", "0.1234567", "19.99", "8184.23", "1"])
def test_amounts_are_exact_as_number_and_as_text(digits):
    rows = [offer(listing=Decimal(digits)), offer(listing=digits), offer(listing=f" {digits} ")]
    found = facts(any_offer_changed(offers=rows)).offers
    assert [str(o.listing) for o in found] == [digits] * 3


@pytest.mark.parametrize(
    "amount",
    ["NaN", "Infinity", "-Infinity", "12,50", "£5", "1_000", "٣", "1e999999999", Decimal("1e12"),
     Decimal("0.123456789"), True, [], {}, 10**20, "9" * 200],
)  # fmt: skip
def test_an_absurd_amount_is_refused_by_its_path(amount):
    result = refuse(any_offer_changed(offers=[offer(), offer(listing=amount)]))
    assert result.error_type == "invalid-field"
    assert result.error_message.startswith(
        "Payload.AnyOfferChangedNotification.Offers[1].ListingPrice.Amount must "
    )


@pytest.mark.parametrize("count", [-1, Decimal("1.5"), 10**10, Decimal("1e999999"), "many", True])
def test_an_absurd_count_is_refused(count):
    rows = [{"Condition": "new", "OfferCount": count}]
    message = any_offer_changed(summary={"NumberOfOffers": rows})
    assert refuse(message).error_type == "invalid-field"


@pytest.mark.parametrize("amount", [0, Decimal(-3)])
def test_an_own_price_of_zero_or_less_is_no_price(amount):
    own = {"landedPrice": camel_case(money(amount))}
    found = facts(pricing_health(merchant_offer=own))
    assert (found.your_price, found.flags) == (None, ("invalid-price",))
    assert found.buy_box_price == Decimal("19.99")


def test_pricing_health_without_its_optional_parts_is_read():
    found = facts(pricing_health(summary={"buyBoxPrices": None, "referencePrice": None}))
    assert (found.buy_box_price, found.your_price) == (None, Decimal("26.50"))


# Required fields


@ANALYSED
@pytest.mark.parametrize("field", ["seller_id", "marketplace_id", "asin", "item_condition"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_files_a_notification_is_required(build, field, value):
    result = refuse(build(**{field: value}))
    assert result.error_type == "missing-field"
    assert field.replace("_", "") in result.error_message.lower()


@pytest.mark.parametrize("field", ["seller_id", "marketplace_id", "asin", "notification_id"])
@pytest.mark.parametrize("value", ["A" * 129, "A\x00B", "A\ud800", "A B", "Ä1", 5, True])
def test_an_id_that_cannot_be_one_is_refused(field, value):
    assert refuse(any_offer_changed(**{field: value})).error_type == "invalid-field"


@pytest.mark.parametrize("field", ["marketplace_id", "asin"])
def test_the_parts_of_a_key_hold_no_colon(field):
    assert refuse(any_offer_changed(**{field: "A:B"})).error_type == "invalid-field"


@pytest.mark.parametrize("name", [None, "", " "])
def test_a_message_without_a_type_is_refused(name):
    result = refuse(any_offer_changed(NotificationType=name))
    assert result.error_type == "missing-field"
    assert "NotificationType" in result.error_message


@pytest.mark.parametrize("payload", [None, {}, {"AnyOfferChangedNotification": None}])
def test_a_missing_payload_is_a_missing_field(payload):
    assert refuse(any_offer_changed(Payload=payload)).error_type == "missing-field"


@pytest.mark.parametrize("payload", [[], "x", {"AnyOfferChangedNotification": [1]}])
def test_a_payload_of_another_kind_is_an_invalid_field(payload):
    assert refuse(any_offer_changed(Payload=payload)).error_type == "invalid-field"


def test_a_text_with_a_nul_is_refused_where_it_would_be_kept():
    rows = [offer(SubCondition="ne\x00w")]
    assert refuse(any_offer_changed(offers=rows)).error_type == "invalid-field"


# Times


@ANALYSED
def test_an_event_from_the_future_is_refused(build):
    limit = NOW + FUTURE_TOLERANCE
    assert isinstance(read(arrival(build(event_time=limit.isoformat())), now=NOW), Notification)
    late = (limit + timedelta(seconds=1)).isoformat()
    assert refuse(build(event_time=late)).error_type == "implausible-time"


@ANALYSED
def test_without_any_time_an_analysed_type_is_refused(build):
    assert refuse(build(event_time=None)).error_type == "missing-field"


@pytest.mark.parametrize(
    "text", ["yesterday", "2025-13-01T00:00:00Z", 1741083330, "0001-01-01T00:00:00+10:00", "\ud800"]
)
def test_a_time_that_cannot_be_read_is_refused_by_its_path(text):
    result = refuse(any_offer_changed(EventTime=text))
    assert result.error_type == "invalid-field"
    assert result.error_message.startswith("EventTime must be")


# Types that are only kept


def test_a_type_amazon_adds_tomorrow_is_kept():
    result = read(arrival({"notificationType": "BRAND_NEW", "payload": {"a": 1}}), now=NOW)
    assert (result.notification_type, result.status) == ("BRAND_NEW", "ignored")


def test_a_bad_field_in_an_ignored_type_counts_as_absent():
    message = {
        "NotificationType": "ORDER_CHANGE",
        "EventTime": "yesterday",
        "NotificationMetadata": {"NotificationId": 5, "SubscriptionId": "\x00", "PublishTime": []},
        "Payload": {"SellerId": 7, "Asin": "a b", "Notification": {"SellerId": "A1"}},
    }
    result = read(arrival(message), now=NOW)
    assert (result.status, result.seller_id, result.source_key) == ("ignored", "A1", "A1")
    assert result.notification_id is result.asin is result.event_time is result.publish_time is None
    assert result.event_key == result.body_hash.hex()


def test_an_ignored_type_from_the_future_takes_the_next_time():
    sent_at = datetime(2025, 3, 4, 10, 16, tzinfo=UTC)
    message = {"NotificationType": "ORDER_CHANGE", "EventTime": "2999-01-01T00:00:00Z"}
    assert read(arrival(message, sent_at=sent_at), now=NOW).event_time == sent_at


@pytest.mark.parametrize(
    ("asins", "expected"), [(["B0", "B0"], "B0"), (["B0", "B1"], None), (["B0", None], None)]
)
def test_a_value_of_list_elements_counts_only_if_all_agree(asins, expected):
    events = [{"accountId": "A1", "asin": asin} for asin in asins]
    message = {"notificationType": "ITEM_SALES_EVENT_CHANGE", "payload": {"events": events}}
    result = read(arrival(message), now=NOW)
    assert (result.seller_id, result.asin) == ("A1", expected)
