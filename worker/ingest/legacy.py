"""The older hand-made layout of an offer change, brought into Amazon's.

Amazon never sent it, but tools written against a guess did: camelCase, the offers in
`offerChangeSummary`, and the ids wherever the author had put them:

    payload.anyOfferChangedNotification.offerChangeSummary.offers[].listingPrice.amount

Only places differ, so the members are moved and the one model for offer changes reads the result.
"""

from __future__ import annotations

from typing import Any

from worker.ingest.fields import fold_keys, invalid, missing

DEFAULT_CONDITION = "new"
"""The layout's producers watched new offers only, and most of them did not say so."""

_TRIGGER_KEYS = ("marketplaceId", "asin", "itemCondition", "timeOfOfferChange")
_SUMMARY_LISTS = ("numberOfOffers", "lowestPrices", "buyBoxPrices")


def is_legacy(payload: dict[str, Any], wrapper: dict[str, Any]) -> bool:
    """Whether the notification has the layout's own key; both arguments have folded keys."""
    return "offerchangesummary" in wrapper or "offerchangesummary" in payload


def to_amazon_layout(
    payload: dict[str, Any], wrapper: dict[str, Any], fallback_seller_id: str | None
) -> dict[str, Any]:
    """The notification as Amazon would lay it out.

    The layout often names no seller, since its reader knew: that is `fallback_seller_id`. The
    marketplace has no such default, because a guess would file foreign prices under the UK.
    """
    summary = _object(wrapper, "offerChangeSummary") or _object(payload, "offerChangeSummary")
    places = (summary, _object(wrapper, "offerChangeTrigger"), wrapper, payload)
    trigger = {key: _first(places, key) for key in _TRIGGER_KEYS}
    trigger["itemCondition"] = trigger["itemCondition"] or DEFAULT_CONDITION
    seller_id = _first(places, "sellerId") or fallback_seller_id
    if not seller_id:
        raise missing("sellerId", "the older layout names no seller: set SELLER_ID to your own")
    return {
        "sellerId": seller_id,
        "offerChangeTrigger": trigger,
        "summary": _summary(summary) or wrapper.get("summary"),
        "offers": summary.get("offers"),
    }


def _object(document: dict[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key.lower(), {})
    if not isinstance(value, dict):
        raise invalid(key, "must be an object")
    return fold_keys(value)


def _first(places: tuple[dict[str, Any], ...], key: str) -> Any:
    """The first value that is not blank, from the most specific place to the least."""
    found = (place.get(key.lower()) for place in places)
    return next((value for value in found if value is not None and value != ""), None)


def _summary(summary: dict[str, Any]) -> dict[str, Any]:
    """The lists Amazon has too; a plain number of offers under such a key is left out."""
    lists = {key: summary.get(key.lower()) for key in _SUMMARY_LISTS}
    return {key: rows for key, rows in lists.items() if isinstance(rows, list)}
