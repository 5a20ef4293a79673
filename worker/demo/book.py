"""The offers for one condition of one product, changing move by move."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from worker.demo.offers import Condition, Offer, Product, chance

MOST_OFFERS = 25
MOST_SHOWN = 20
"""Amazon sends the 20 cheapest offers of the condition, by landed price."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

_RETAIL_SHARE = 25
# Amazon Retail is a seller like any other in the list, with an id of its own in each country.
AMAZON_RETAIL = {
    "GB": "A3P5ROKL5A1OLE",
    "DE": "A3JWKAKR8XB7XF",
    "FR": "A1X6FK5RDHNB96",
    "IT": "A11IL2PNWYJU7H",
    "ES": "A1AT7YVPFBWXBL",
    "US": "ATVPDKIKX0DER",
    "JP": "AN1VRQENFRJN5",
}


class Book:
    """The offers for one condition of one product, changing move by move."""

    def __init__(self, rng: Random, product: Product, condition: Condition, base: int) -> None:
        self.product = product
        self.condition = condition
        self.base = base
        self.suppressed = False
        self._size = {"crowded": rng.randint(22, MOST_OFFERS), "lonely": rng.randint(1, 2)}.get(
            product.character, rng.randint(2, 12 if condition == "used" else 19)
        )
        rivals = [_seller_id(rng) for _ in range(self._size - 1)]
        if rivals and chance(rng, _RETAIL_SHARE):
            rivals[0] = AMAZON_RETAIL[product.marketplace.country_code]
        self.offers = [self._offer(rng, seller_id) for seller_id in rivals]
        self._list_own(rng)

    def move(self, rng: Random) -> tuple[Offer, ...]:
        """Let something happen, give the Buy Box away again, and return the offers Amazon sends."""
        if self.product.character == "war" and chance(rng, 70):
            self._undercut(rng)
        else:
            happening = rng.choices(
                (self._reprice, self._come_or_go, self._move_own), weights=(50, 20, 30)
            )[0]
            happening(rng)
        often = self.product.character == "suppressed"
        self.suppressed = chance(rng, 70 if self.suppressed else 20 if often else 1)
        order = self._cheapest(rng)
        winners = self._winners(rng, order)
        self.offers = [replace(o, winner=i in winners) for i, o in enumerate(self.offers)]
        return tuple(self.offers[i] for i in order)

    def look(self, rng: Random) -> tuple[Offer, ...]:
        """The offers Amazon would send now, without anything happening."""
        return tuple(self.offers[i] for i in self._cheapest(rng))

    def price_out_own(self) -> Offer:
        """Leave the own offers well above the market; return the cheapest of them.

        Amazon names the price it objects to even where the offer is not listed now.
        """
        market = min((o.landed for o in self.offers if not self._is_own(o)), default=self.base)
        self.offers = [o.at(market * 112 // 100) if self._is_own(o) else o for o in self.offers]
        own = [o for o in self.offers if self._is_own(o)]
        unlisted = Offer(self.product.seller_id, self.base, sub_condition=self.condition)
        return min(own, key=lambda o: o.landed, default=unlisted)

    def _is_own(self, offer: Offer) -> bool:
        return offer.seller_id == self.product.seller_id

    def _own(self) -> list[int]:
        return [i for i, offer in enumerate(self.offers) if self._is_own(offer)]

    def _cheapest(self, rng: Random) -> list[int]:
        """Indices of the offers Amazon sends, cheapest first; equal prices in random order."""
        by_price = sorted(
            range(len(self.offers)), key=lambda i: (self.offers[i].landed, rng.random())
        )
        return by_price[:MOST_SHOWN]

    def _winners(self, rng: Random, order: list[int]) -> set[int]:
        """Who is flagged: one to three near the lowest price, nobody while it is suppressed."""
        if self.suppressed:
            return set()
        limit = self.offers[order[0]].landed * 104 // 100
        near = [
            i
            for i in order
            if self.offers[i].landed <= limit and not self.offers[i].available_later
        ] or order[:1]
        count = rng.choices((1, 2, 3), weights=(55, 40, 5))[0]
        # The own offers are favoured a little: a demo where nobody ever wins is a dull one.
        near.sort(key=lambda i: rng.random() - 0.3 * self._is_own(self.offers[i]))
        return set(near[:count])

    def _offer(self, rng: Random, seller_id: str) -> Offer:
        """A new offer somewhere above the base price."""
        by_amazon = chance(rng, 45)
        free = by_amazon or chance(rng, 70)
        japan = self.product.marketplace.country_code == "JP"
        listing = round(self.base * rng.uniform(0.97, 1.2))
        # Some merchants ship Prime themselves, and a little of what Amazon ships is not Prime.
        prime = None if chance(rng, 4) else chance(rng, 97 if by_amazon else 6)
        grades = ("good", "very_good", "acceptable", "Very Good", "mint")
        return Offer(
            seller_id=seller_id,
            listing=listing,
            shipping=0 if free else round(self.base * rng.uniform(0.03, 0.1)),
            points=listing // rng.choice((100, 50, 20)) if japan and chance(rng, 35) else 0,
            fulfilled_by_amazon=by_amazon,
            prime=prime,
            available_later=chance(rng, 3),
            sub_condition="new" if self.condition == "new" else rng.choice(grades),
            feedback=(rng.randint(12, 19_000), rng.randint(82, 100)),
        )

    def _list_own(self, rng: Random) -> None:
        several = rng.randint(2, 3) if self.product.character == "twins" else 1
        for _ in range(min(several, MOST_OFFERS - len(self.offers))):
            self.offers.append(self._offer(rng, self.product.seller_id))
        if self.product.character == "crowded":
            self._reprice_own(rng)

    def _reprice_own(self, rng: Random) -> None:
        """Follow the lowest price, or stay above it; among many rivals often above all of them."""
        lowest = min(o.landed for o in self.offers)
        dear = chance(rng, 60 if self.product.character == "crowded" else 15)
        factor = rng.uniform(1.35, 1.8) if dear else rng.choice((0.99, 1.0, 1.0, 1.02, 1.06))
        for i in self._own()[:2]:
            self._set(i, round((self.base if dear else lowest) * factor))

    def _move_own(self, rng: Random) -> None:
        """List the own offer again, take it off the market, or change its price."""
        own = self._own()
        if not own:
            self._list_own(rng)
        elif len(own) < len(self.offers) and chance(
            rng, 50 if self.product.character == "unlisted" else 3
        ):
            self.offers = [o for o in self.offers if not self._is_own(o)]
        else:
            self._reprice_own(rng)

    def _undercut(self, rng: Random) -> None:
        """One of the cheapest goes a penny below the lowest; at half the base price all give up."""
        order = self._cheapest(rng)
        lowest = self.offers[order[0]].landed
        if lowest - 1 < self.base // 2:
            self.offers = [o.at(round(self.base * rng.uniform(1, 1.2))) for o in self.offers]
        else:
            self._set(rng.choice(order[1:4] or order), lowest - 1)

    def _reprice(self, rng: Random) -> None:
        """One offer meets another's price exactly, or drifts a little."""
        i = rng.randrange(len(self.offers))
        if chance(rng, 25):
            self._set(i, rng.choice(self.offers).landed)
        else:
            self._set(i, round(self.offers[i].landed * rng.uniform(0.95, 1.05)))

    def _come_or_go(self, rng: Random) -> None:
        """A rival comes while there is room, else one leaves; nobody leaves an empty book."""
        rivals = [i for i, offer in enumerate(self.offers) if not self._is_own(offer)]
        if len(self.offers) < self._size or not rivals:
            # Rivals, too, may have a second offer of the same thing.
            again = rivals and chance(rng, 15)
            seller_id = self.offers[rng.choice(rivals)].seller_id if again else _seller_id(rng)
            self.offers.append(self._offer(rng, seller_id))
        elif len(self.offers) > 1:
            del self.offers[rng.choice(rivals)]

    def _set(self, i: int, landed: int) -> None:
        """Price one offer, within bounds that keep every listing price above zero."""
        self.offers[i] = self.offers[i].at(max(self.base // 2, min(landed, self.base * 2)))


def _seller_id(rng: Random) -> str:
    return "A" + "".join(rng.choices(LETTERS, k=13))
