"""What the door reads from notifications in Amazon's real shapes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from economics.facts import facts_from_json, facts_to_json
from tests.factories import (
    ASIN,
    EVENT_TIME,
    GB,
    JP,
    NOW,
    OWN_SELLER,
    any_offer_changed,
    arrival,
    b2b_any_offer_changed,
    body,
    camel_case,
    money,
    offer,
    price_row,
    pricing_health,
    sns,
)
from worker.ingest import door
from worker.ingest.door import read
from worker.ingest.notification import Notification, Rejection

SAMPLES = Path(__file__).parents[1] / "data" / "spapi"


def accept(message, **overrides):
    result = read(arrival(message, **overrides), now=NOW)
    assert isinstance(result, Notification), result
    return result


def facts(message):
    found = accept(message).facts
    assert facts_from_json(facts_to_json(found)) == found
    return found


def test_a_real_message_is_read_in_full():
    data = (SAMPLES / "any_offer_changed.peddler-real-fixture.json").read_bytes()
    result = read(arrival(data), now=NOW)
    assert result.event_time == datetime(2024, 12, 12, 11, 36, 26, 948000, tzinfo=UTC)
    assert result.source_key == "00000000-0000-0000-0000-000000000000"
    assert result.facts.offer_count == len(result.facts.offers) == 7
    assert result.facts.buy_box_prices == (Decimal("55.21"),)
    assert [row.landed for row in result.facts.lowest_prices] == [
        Decimal("55.21"), Decimal("54.52"),
    ]  # fmt: skip
    assert [o.listing for o in result.facts.offers if o.seller_id == result.seller_id] == [
        Decimal("55.21"), Decimal("79.35"),
    ]  # fmt: skip
    assert [o.shippable_now for o in result.facts.offers].count(False) == 1
    assert result.facts.flags == ()


def test_seller_marketplace_asin_and_condition_come_from_the_message():
    result = accept(any_offer_changed(item_condition=" Used "))
    assert (result.seller_id, result.marketplace_id) == (OWN_SELLER, GB)
    assert (result.asin, result.item_condition) == (ASIN, "used")


@pytest.mark.parametrize("key", ["ASIN", "Asin", "asin"])
def test_the_asin_key_is_read_in_every_spelling(key):
    message = any_offer_changed()
    trigger = message["Payload"]["AnyOfferChangedNotification"]["OfferChangeTrigger"]
    trigger[key] = trigger.pop("ASIN")
    assert accept(message).asin == ASIN


@pytest.mark.parametrize("build", [any_offer_changed, b2b_any_offer_changed, pricing_health])
def test_either_case_of_a_message_says_the_same(build):
    message = build(notification_id="same")
    assert accept(camel_case(message)).facts == accept(message).facts


def test_prime_information_is_read_in_either_spelling():
    amazon = offer(PrimeInformation={"IsOfferPrime": True, "IsOfferNationalPrime": False})
    guide = offer(PrimeInformation={"IsPrime": True, "IsNationalPrime": False})
    national = offer(PrimeInformation={"IsNationalPrime": True})
    camel = offer(PrimeInformation={"isOfferNationalPrime": True})
    untold = offer(PrimeInformation=None)
    read_offers = facts(any_offer_changed(offers=[amazon, guide, national, camel, untold])).offers
    assert [o.prime for o in read_offers] == [True, True, True, True, None]


def test_seller_fulfilled_prime_is_prime_without_being_fulfilled_by_amazon():
    [found] = facts(any_offer_changed(offers=[offer(fba=False, prime=True)])).offers
    assert (found.prime, found.fulfilled_by_amazon) == (True, False)


def test_conditions_are_compared_whatever_their_case():
    found = facts(any_offer_changed(item_condition="NEW"))
    assert (found.offer_count, found.buy_box_prices) == (4, (Decimal("19.99"),))
    assert len(found.lowest_prices) == 2


def test_sub_conditions_are_unified():
    rows = [offer(SubCondition=text) for text in ("Very Good", "very_good", " Mint ", "")]
    found = facts(any_offer_changed(offers=rows)).offers
    assert [o.sub_condition for o in found] == ["very_good", "very_good", "mint", None]


def test_the_summary_is_cut_to_the_condition_of_the_message():
    found = facts(any_offer_changed(item_condition="used"))
    assert [row.landed for row in found.lowest_prices] == [Decimal("6.52")]
    assert (found.offer_count, found.buy_box_prices) == (5, (Decimal("5.72"),))


def test_fulfilment_is_read_in_either_naming():
    rows = [
        price_row(1, FulfillmentChannel="Amazon"), price_row(2, FulfillmentType="AFN"),
        price_row(3, FulfillmentChannel="merchant"), price_row(4, fulfillmentType="MFN"),
        price_row(5),
    ]  # fmt: skip
    found = facts(any_offer_changed(summary={"LowestPrices": rows})).lowest_prices
    assert [row.fulfilled_by_amazon for row in found] == [True, True, False, False, None]


def test_a_row_without_a_landed_price_is_listing_plus_shipping():
    row = price_row(0) | {"LandedPrice": None, "ListingPrice": money(12), "Shipping": money(3)}
    found = facts(any_offer_changed(summary={"LowestPrices": [row], "BuyBoxPrices": [row]}))
    assert found.lowest_prices[0].landed == found.buy_box_prices[0] == 15


def test_points_count_in_japan_and_nowhere_else():
    points = {"Points": {"PointsNumber": 120}}
    row = price_row(0, "JPY", **points) | {"LandedPrice": None, "ListingPrice": money(3000, "JPY")}
    japan = any_offer_changed(
        marketplace_id=JP,
        offers=[offer(listing=3000, currency="JPY", **points)],
        summary={"BuyBoxPrices": [row]},
    )
    assert facts(japan).offers[0].points == 120
    assert facts(japan).buy_box_prices == (Decimal(2880),)
    assert facts(any_offer_changed(offers=[offer(**points)])).offers[0].points == 0


def test_reference_prices_come_from_the_summary():
    found = facts(
        any_offer_changed(
            summary={
                "MinimumAdvertisedPrice": money(66),
                "SuggestedLowerPricePlusShipping": money(77),
                "CompetitivePriceThreshold": money(22),
            }
        )
    ).reference
    assert (found.list_price, found.minimum_advertised) == (Decimal("24.99"), 66)
    assert (found.suggested_lower, found.competitive_threshold) == (77, 22)


def test_b2b_is_of_businesses_and_of_single_units():
    result = accept(b2b_any_offer_changed())
    assert result.audience == "business"
    assert [row.landed for row in result.facts.lowest_prices] == [Decimal("18.99")]
    assert result.facts.buy_box_prices == (Decimal("18.99"),)
    assert accept(any_offer_changed()).audience == "consumer"


def test_b2b_leaves_consumer_rows_out():
    row = price_row(9, OfferType="B2C", QuantityTier=1)
    found = facts(b2b_any_offer_changed(summary={"LowestPrices": [row]}))
    assert found.lowest_prices == ()


def test_a_consumer_message_counts_no_row_of_businesses_and_every_one_of_consumers():
    of_businesses = price_row(9, OfferType="B2B", QuantityTier=1)
    of_consumers = price_row(12, OfferType="B2C")
    rows = [of_businesses, of_consumers]
    found = facts(any_offer_changed(summary={"LowestPrices": rows, "BuyBoxPrices": rows}))
    assert [row.landed for row in found.lowest_prices] == [12]
    assert found.buy_box_prices == (12,)


def test_b2b_never_counts_points():
    row = offer(listing=3000, currency="JPY", Points={"PointsNumber": 120})
    assert facts(b2b_any_offer_changed(marketplace_id=JP, offers=[row])).offers[0].points == 0


def test_pricing_health_gives_the_own_price_and_the_buy_box_price():
    found = facts(pricing_health())
    assert found.issue_type == "BuyBoxDisqualification"
    assert (found.your_price, found.buy_box_price) == (Decimal("26.50"), Decimal("19.99"))
    assert (found.reference.average_selling, found.reference.msrp) == (21, Decimal("24.99"))
    assert found.reference.retail_offer == 22
    assert found.reference.competitive_threshold == Decimal("20.50")
    assert found.offer_count == 3


def test_pricing_health_is_of_the_consumers_market():
    assert accept(pricing_health()).audience == "consumer"


def test_pricing_health_without_a_landed_price_adds_the_parts_up():
    found = facts(pricing_health(merchant_offer={"landedPrice": None}))
    assert found.your_price == Decimal("26.50")


def test_pricing_health_without_its_issue_is_refused():
    message = pricing_health()
    del message["payload"]["issueType"]
    result = read(arrival(message), now=NOW)
    assert result.error_type == "missing-field"
    assert "issueType" in result.error_message


def test_pricing_health_in_japan_takes_the_points_off():
    own = {"landedPrice": None, "points": {"pointsNumber": 2}}
    found = facts(pricing_health(marketplace_id=JP, currency="JPY", merchant_offer=own))
    assert found.your_price == Decimal("24.50")
    assert facts(pricing_health(merchant_offer=own)).your_price == Decimal("26.50")


def test_pricing_health_of_several_buy_box_prices_takes_the_lowest():
    rows = [camel_case(price_row(Decimal(price), "GBP")) for price in ("19.99", "18.50")]
    assert facts(pricing_health(summary={"buyBoxPrices": rows})).buy_box_price == Decimal("18.50")


def test_ids_are_trimmed_and_otherwise_untouched():
    message = any_offer_changed(asin="079451233x", notification_id=" 2012e8e5 ")
    result = accept(message)
    assert (result.asin, result.notification_id) == ("079451233x", "2012e8e5")
    assert result.event_key == "2012e8e5"


def test_without_a_notification_id_the_hash_is_the_event_key():
    result = accept(any_offer_changed(NotificationMetadata={}))
    assert (result.notification_id, result.event_key) == (None, result.body_hash.hex())


@pytest.mark.parametrize("wrap", [body, lambda message: sns(body(message))], ids=["bare", "sns"])
def test_a_mistake_of_the_reader_refuses_the_message_and_says_so(monkeypatch, wrap):
    """Else one message would end the ingester, come again, and end it again."""

    def defect(*_, **__):
        raise KeyError("nobody thought of this")

    message = any_offer_changed()
    monkeypatch.setattr(door, "market_facts", defect)
    result = read(arrival(wrap(message)), now=NOW)
    assert isinstance(result, Rejection)
    assert result.error_type == "unreadable"
    assert result.body_hash == sha256(body(message)).digest()
    assert "KeyError" in result.error_message
    assert result.error_message.endswith("correct it, then replay the message.")


def test_the_source_is_the_subscription_then_the_seller():
    assert accept(any_offer_changed()).source_key.startswith("5ab5cb5e")
    assert accept(any_offer_changed(NotificationMetadata=None)).source_key == OWN_SELLER
    assert accept({"NotificationType": "SOMETHING_NEW"}).source_key == ""


def test_the_event_time_falls_back_from_the_event_to_the_queue():
    message = any_offer_changed()
    data = message["Payload"]["AnyOfferChangedNotification"]["OfferChangeTrigger"]
    sent_at = datetime(2025, 3, 4, 9, 0, tzinfo=UTC)

    def event_time(wrap=lambda message: message):
        return accept(wrap(message), sent_at=sent_at).event_time

    data["TimeOfOfferChange"] = "2025-03-04T10:00:00Z"
    assert event_time() == datetime.fromisoformat(EVENT_TIME)
    message["EventTime"] = ""
    assert event_time() == datetime(2025, 3, 4, 10, 0, tzinfo=UTC)
    del data["TimeOfOfferChange"]
    assert event_time() == datetime.fromisoformat(EVENT_TIME) + timedelta(milliseconds=300)
    del message["NotificationMetadata"]["PublishTime"]
    assert event_time() == sent_at
    assert event_time(lambda m: sns(body(m))) == datetime(2025, 3, 4, 10, 15, 31, tzinfo=UTC)


def test_the_times_of_the_guide_may_be_in_the_wrong_order():
    message = any_offer_changed()
    message["NotificationMetadata"]["PublishTime"] = "2025-03-04T10:02:50.501Z"
    result = accept(message)
    assert result.publish_time < result.event_time


@pytest.mark.parametrize(
    "text", ["2025-03-04T10:15:30.250", "2025-03-04T11:15:30.250+01:00", " 2025-03-04T10:15:30.25Z"]
)
def test_times_become_utc(text):
    assert accept(any_offer_changed(EventTime=text)).event_time == datetime.fromisoformat(
        EVENT_TIME
    )


def test_a_test_notification_without_metadata_is_read():
    result = accept(any_offer_changed(NotificationMetadata=None))
    assert (result.status, result.publish_time) == ("waiting", None)


def test_the_type_is_recognised_in_any_case():
    result = accept(any_offer_changed(NotificationType="any_offer_changed"))
    assert (result.notification_type, result.status) == ("ANY_OFFER_CHANGED", "waiting")


def test_reading_depends_on_the_body_and_not_on_the_delivery():
    first = arrival(any_offer_changed(), message_id="1")
    again = replace(first, message_id="2", receive_count=3, source="redrive")
    assert read(first, now=NOW) == read(again, now=NOW)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"Summary": 5}, "Summary must be an object"),
        ({"Summary": {"LowestPrices": {}}}, "Summary.LowestPrices must be a list"),
        ({"Offers": [offer(), "none"]}, "Offers[1] must be an object"),
        ({"Offers": "none", "Summary": 5}, "Summary must be an object"),
    ],
)
def test_of_what_is_no_object_or_list_the_first_is_named_by_its_place(given, told):
    message = any_offer_changed()
    message["Payload"]["AnyOfferChangedNotification"] |= given
    refused = read(arrival(message), now=NOW)
    assert isinstance(refused, Rejection)
    assert refused.error_message.startswith(f"Payload.AnyOfferChangedNotification.{told};")
