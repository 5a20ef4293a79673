"""The market as one message shows it: lows, own position, Buy Box. Pure.

Source of the rules: issue "The main job", part 4, and what is known of real messages: Offers[] is
a list of at most 20 in no promised order, of one condition; the own seller may have none, one or
several of them; the Buy Box winner is a set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from economics.facts import MarketFacts, Offer
from economics.marketplaces import JAPAN

OUTSIDE_OFFERS_SENT = "outside-offers-sent"
NO_OFFERS_SENT = "no-offers-sent"
NOT_AMONG_READABLE = "not-among-readable-offers"
INVALID_PRICE = "invalid-price"
SUPPRESSED_BUY_BOX = "buy-box-suppressed"
LOW_NOT_SHIPPABLE = "low-not-shippable-now"
WINNER_NOT_TOLD = "winner-not-told"

HAS_BUY_BOX = "new"
"""The condition whose offers usually have a Buy Box, so it is news if nobody holds it. Few used
goods may compete for one (media sent by Amazon), and other conditions have none."""

_LEFT_OUT_AT_THE_DOOR = frozenset(
    {"foreign-currency", "offer-without-price", "offer-without-seller"}
)

_NOTHING = Decimal(0)

_Priced = list[tuple[Decimal, Offer]]
"""Offers with their landed price."""


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """The market of one product and condition at one moment, seen by one seller.

    Prices are landed, in `currency`. None is "not known": an own price that is None has its reason
    in `own_price_unknown`. `has_buy_box` tells whether anybody holds the Buy Box,
    `buy_box_winner` whether it is ours. `buy_box_sellers` are the flagged sellers:
    Amazon flags up to three at once.
    """

    currency: str
    your_price: Decimal | None = None
    own_price_unknown: str | None = None
    market_low: Decimal | None = None
    competitor_low: Decimal | None = None
    prime_low: Decimal | None = None
    your_position: int | None = None
    total_offers: int | None = None
    buy_box_winner: bool | None = None
    has_buy_box: bool | None = None
    buy_box_price: Decimal | None = None
    buy_box_sellers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def believable(self) -> bool:
        """False if a price in the message cannot be one: the market must not become the state."""
        return INVALID_PRICE not in self.flags


def landed_price(offer: Offer, marketplace_id: str) -> Decimal:
    """What a buyer pays: listing + shipping, minus points in Japan (one point is one yen)."""
    return landed_prices([offer], marketplace_id)[0]


def landed_prices(offers: Iterable[Offer], marketplace_id: str) -> list[Decimal]:
    """The same for each offer."""
    if marketplace_id == JAPAN:
        return [offer.listing + offer.shipping - offer.points for offer in offers]
    return [offer.listing + offer.shipping for offer in offers]


def take_snapshot(
    facts: MarketFacts, *, seller_id: str, marketplace_id: str, item_condition: str = HAS_BUY_BOX
) -> Snapshot:
    """Read the market off one message, for the seller it was sent to."""
    prices = landed_prices(facts.offers, marketplace_id)
    priced = list(zip(prices, facts.offers, strict=True))
    if not _are_believable(facts, priced):
        return Snapshot(facts.currency, flags=(*facts.flags, INVALID_PRICE))

    own = [(landed, offer) for landed, offer in priced if offer.seller_id == seller_id]
    rivals = [landed for landed, offer in priced if offer.seller_id != seller_id]
    your_price = _lowest([landed for landed, _ in own])
    low = _lowest(prices or [row.landed for row in facts.lowest_prices])
    has_buy_box, buy_box_price, holders = _buy_box(facts, priced)
    winner = _own_winner([offer for _, offer in own], settled=bool(holders) or has_buy_box is False)

    return Snapshot(
        currency=facts.currency,
        your_price=your_price,
        own_price_unknown=_why_unknown(facts) if your_price is None else None,
        market_low=low,
        competitor_low=_lowest(rivals),
        prime_low=_prime_low(facts, priced),
        your_position=_position(your_price, rivals),
        total_offers=_total_offers(facts),
        buy_box_winner=winner,
        has_buy_box=has_buy_box,
        buy_box_price=buy_box_price,
        buy_box_sellers=holders,
        flags=(
            *facts.flags,
            *_remarks(
                priced,
                own,
                low,
                suppressed=has_buy_box is False and item_condition == HAS_BUY_BOX,
                winner=winner,
            ),
        ),
    )


def _are_believable(facts: MarketFacts, priced: _Priced) -> bool:
    """Whether each price in the message, the summary's too, is one that somebody could pay."""
    for landed, offer in priced:
        if offer.listing <= _NOTHING or offer.shipping < _NOTHING or landed <= _NOTHING:
            return False
    given = [*(row.landed for row in facts.lowest_prices), *(facts.buy_box_prices or ())]
    return not given or min(given) > _NOTHING


def _lowest(prices: Sequence[Decimal]) -> Decimal | None:
    return min(prices, default=None)


def _position(your_price: Decimal | None, rivals: list[Decimal]) -> int | None:
    if your_price is None:
        return None
    return 1 + len([rival for rival in rivals if rival < your_price])


def _why_unknown(facts: MarketFacts) -> str:
    if _LEFT_OUT_AT_THE_DOOR.intersection(facts.flags):
        return NOT_AMONG_READABLE
    return OUTSIDE_OFFERS_SENT if facts.offers else NO_OFFERS_SENT


def _prime_low(facts: MarketFacts, priced: _Priced) -> Decimal | None:
    """Prime is what PrimeInformation says; fulfilment by Amazon decides only where it is absent."""
    if priced:
        return _lowest(
            [
                landed
                for landed, offer in priced
                if (offer.fulfilled_by_amazon if offer.prime is None else offer.prime)
            ]
        )
    return _lowest([row.landed for row in facts.lowest_prices if row.fulfilled_by_amazon])


def _total_offers(facts: MarketFacts) -> int | None:
    if facts.offer_count is not None:
        return facts.offer_count
    return len(facts.offers) or None


def _buy_box(
    facts: MarketFacts, priced: _Priced
) -> tuple[bool | None, Decimal | None, tuple[str, ...]]:
    flagged = [(landed, offer.seller_id) for landed, offer in priced if offer.winner]
    holders = tuple(sorted({seller for _, seller in flagged}))
    # In 20 of 20 real messages Summary's price is that of the lowest flagged offer: either will do.
    price = _lowest(facts.buy_box_prices or ()) or _lowest([landed for landed, _ in flagged])
    if price is not None or holders:
        return True, price, holders
    return (None if facts.buy_box_prices is None else False), None, ()


def _own_winner(own: list[Offer], *, settled: bool) -> bool | None:
    """Whether any own offer wins. If none was sent, or nothing tells, that is None and never "no".

    `settled` means that the message tells who holds the Buy Box, or that nobody does: then an own
    offer without the flag does not win.
    """
    if any(offer.winner for offer in own):
        return True
    if not own:
        return None
    told = settled or all(offer.winner is not None for offer in own)
    return False if told else None


def _remarks(
    priced: _Priced,
    own: _Priced,
    low: Decimal | None,
    *,
    suppressed: bool,
    winner: bool | None,
) -> Iterable[str]:
    if suppressed:
        yield SUPPRESSED_BUY_BOX
    if own and winner is None:
        yield WINNER_NOT_TOLD
    if priced and not any(o.shippable_now for landed, o in priced if landed == low):
        yield LOW_NOT_SHIPPABLE
