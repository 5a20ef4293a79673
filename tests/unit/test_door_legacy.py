"""The older hand-made layout of ANY_OFFER_CHANGED."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.factories import ASIN, GB, NOW, OWN_SELLER, RIVALS, US, arrival, body, sns
from worker.ingest.door import read
from worker.ingest.notification import Notification, Rejection


def legacy_offer(seller_id=RIVALS[0], amount=Decimal("19.99"), **overrides):
    return {
        "sellerId": seller_id,
        "listingPrice": {"amount": amount, "currencyCode": "GBP"},
        "isBuyBoxWinner": False,
        "isFulfilledByAmazon": True,
    } | overrides


def legacy(*, summary=None, trigger=None, wrapper=None, payload=None, offers=None, **overrides):
    """A message whose ids are wherever the arguments put them."""
    rows = [legacy_offer(), legacy_offer(OWN_SELLER)] if offers is None else offers
    content = {"offerChangeSummary": {"offers": rows} | (summary or {})} | (wrapper or {})
    if trigger is not None:
        content["offerChangeTrigger"] = trigger
    return {
        "notificationType": "ANY_OFFER_CHANGED",
        "eventTime": "2025-03-04T10:15:30.250Z",
        "payload": {"anyOfferChangedNotification": content} | (payload or {}),
    } | overrides


IDS = {"asin": ASIN, "marketplaceId": GB, "sellerId": OWN_SELLER, "itemCondition": "Used"}


def accept(message, **options):
    result = read(arrival(message), now=NOW, **options)
    assert isinstance(result, Notification), result
    return result


@pytest.mark.parametrize("place", ["summary", "trigger", "wrapper", "payload"])
def test_the_ids_are_found_wherever_the_author_put_them(place):
    result = accept(legacy(**{place: IDS}))
    assert (result.asin, result.marketplace_id) == (ASIN, GB)
    assert (result.seller_id, result.item_condition) == (OWN_SELLER, "used")
    assert result.status == "waiting"


def test_the_asin_may_be_on_the_payload_in_capitals():
    ids = {"ASIN": ASIN, "marketplaceId": GB, "sellerId": OWN_SELLER}
    assert accept(legacy(payload=ids)).asin == ASIN


@pytest.mark.parametrize(
    ("here", "there"), [("summary", "trigger"), ("trigger", "wrapper"), ("wrapper", "payload")]
)
def test_the_more_specific_place_wins(here, there):
    assert accept(legacy(**{here: IDS, there: {"asin": "B0OTHER000"}})).asin == ASIN


def test_the_summary_may_stand_on_the_payload_itself():
    message = legacy()
    message["payload"] = {"offerChangeSummary": IDS | {"offers": [legacy_offer()]}}
    assert len(accept(message).facts.offers) == 1


def test_offers_and_their_prices_are_read_from_the_summary():
    offers = [legacy_offer(isBuyBoxWinner=True), legacy_offer(OWN_SELLER, "21.50")]
    facts = accept(legacy(summary=IDS, offers=offers)).facts
    assert [o.listing for o in facts.offers] == [Decimal("19.99"), Decimal("21.50")]
    assert [o.shipping for o in facts.offers] == [0, 0]
    assert [o.winner for o in facts.offers] == [True, False]
    assert (facts.currency, facts.offer_count, facts.buy_box_prices) == ("GBP", None, None)


def test_an_amount_that_names_no_currency_is_in_that_of_the_marketplace():
    offers = [legacy_offer(listingPrice={"amount": 5})]
    assert accept(legacy(summary=IDS, offers=offers)).facts.currency == "GBP"


def test_lists_that_amazon_has_too_are_read_and_plain_numbers_are_not():
    counts = [{"condition": "used", "fulfillmentChannel": "Amazon", "offerCount": 23}]
    assert accept(legacy(summary=IDS | {"numberOfOffers": counts})).facts.offer_count == 23
    assert accept(legacy(summary=IDS | {"numberOfOffers": 7})).facts.offer_count is None


def test_the_lows_and_the_buy_box_of_the_layout_are_read():
    def row(amount):
        return {"condition": "used", "landedPrice": {"amount": amount, "currencyCode": "GBP"}}

    lists = {"lowestPrices": [row(9)], "buyBoxPrices": [row(11)]}
    facts = accept(legacy(summary=IDS | lists)).facts
    assert [one.landed for one in facts.lowest_prices] == [9]
    assert facts.buy_box_prices == (11,)


def test_a_blank_id_is_looked_for_in_the_next_place():
    ids = IDS | {"sellerId": "", "asin": ""}
    general = {"sellerId": OWN_SELLER, "asin": ASIN}
    found = accept(legacy(summary=ids, payload=general), fallback_seller_id="A9FALLBACK")
    assert (found.seller_id, found.asin) == (OWN_SELLER, ASIN)


def test_the_time_of_the_change_stands_in_for_that_of_the_event():
    changed = "2025-03-04T10:00:00+00:00"
    message = legacy(summary=IDS, trigger={"timeOfOfferChange": changed}, eventTime=None)
    assert accept(message).event_time.isoformat() == changed


def test_the_condition_is_new_where_nobody_says():
    ids = {key: value for key, value in IDS.items() if key != "itemCondition"}
    assert accept(legacy(summary=ids)).item_condition == "new"


def test_a_missing_seller_is_the_configured_one():
    ids = IDS | {"sellerId": ""}
    result = accept(legacy(summary=ids), fallback_seller_id="A9FALLBACK")
    assert result.seller_id == result.source_key == "A9FALLBACK"
    assert accept(legacy(summary=IDS), fallback_seller_id="A9FALLBACK").seller_id == OWN_SELLER


@pytest.mark.parametrize("fallback", [None, ""])
def test_without_a_configured_seller_the_error_says_what_to_set(fallback):
    message = legacy(summary=IDS | {"sellerId": None})
    result = read(arrival(message), now=NOW, fallback_seller_id=fallback)
    assert isinstance(result, Rejection)
    assert result.error_type == "missing-field"
    assert "SELLER_ID" in result.error_message


@pytest.mark.parametrize("key", ["marketplaceId", "asin"])
def test_marketplace_and_asin_are_never_guessed(key):
    result = read(arrival(legacy(summary=IDS | {key: None})), now=NOW)
    assert isinstance(result, Rejection)
    assert result.error_type == "missing-field"
    assert key.lower() in result.error_message.lower()


def test_the_layout_is_read_from_sns_with_its_timestamp():
    message = legacy(summary=IDS, eventTime=None)
    result = accept(sns(body(message)))
    assert result.envelope == "sns"
    assert result.event_time.isoformat() == "2025-03-04T10:15:31+00:00"


def test_prices_of_another_marketplace_are_refused():
    result = read(arrival(legacy(summary=IDS | {"marketplaceId": US})), now=NOW)
    assert result.error_type == "currency-mismatch"


@pytest.mark.parametrize("summary", [[], "x", 5])
def test_a_summary_of_another_kind_is_an_invalid_field(summary):
    result = read(arrival(legacy(wrapper={"offerChangeSummary": summary})), now=NOW)
    assert result.error_type == "invalid-field"


def test_amazons_own_layout_never_takes_the_fallback_seller():
    message = legacy()
    message["payload"] = {"anyOfferChangedNotification": {"offerChangeTrigger": IDS}}
    result = read(arrival(message), now=NOW, fallback_seller_id="A9FALLBACK")
    assert result.error_type == "missing-field"
