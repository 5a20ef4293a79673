"""A simulated market: products, sellers and offers, all money in whole minor units.

It knows nothing of messages and nothing of the rules that are checked with it. Each product is one
thing that one own seller sells in one marketplace; it has a book of offers for each condition. One
move changes one book, and what Amazon would tell of it is an `OfferChange`.
"""

from __future__ import annotations

import math
from datetime import datetime
from itertools import accumulate
from random import Random

from economics.marketplaces import all_marketplaces
from worker.demo.book import LETTERS, Book
from worker.demo.offers import (
    Character,
    Condition,
    HealthAlert,
    Offer,
    OfferChange,
    Product,
    chance,
)

OWN_SELLERS = ("A1DEMOSELLER01", "A2DEMOSELLER02")
COUNTRIES = ("GB", "DE", "US", "JP", "FR", "IT", "ES")

# Every character comes early in the ranking, so that any seed shows every case.
_CHARACTERS: tuple[Character, ...] = (
    *("war", "calm", "crowded", "twins", "calm", "suppressed", "unlisted", "lonely", "calm"),
)
# By the last digit of the index: how far back the product with the same ASIN is, and whether it is
# in the same marketplace. It is always the other own seller's, which keeps the two apart.
_SIBLINGS = {6: (6, False), 8: (3, True)}


class Market:
    """All products, a few of them hot: how often one is heard of falls with its rank (Zipf)."""

    def __init__(self, rng: Random, products: int) -> None:
        self._rng = rng
        self.products = _catalogue(rng, products)
        self._books: list[dict[Condition, Book]] = []
        for index, product in enumerate(self.products):
            base = round(math.exp(rng.uniform(math.log(600), math.log(25_000))))
            books: dict[Condition, Book] = {"new": Book(rng, product, "new", base)}
            # Twenty offers and two conditions would be more than real messages weigh.
            if index % 4 == 1 and product.character != "crowded":
                books["used"] = Book(rng, product, "used", base * 7 // 10)
            self._books.append(books)
        self._popularity = list(accumulate(1 / rank for rank in range(1, products + 1)))
        self._talkative = sum(p.character != "health-only" for p in self.products)

    def change(self, event_time: datetime) -> OfferChange:
        """Something happens to one product, and Amazon tells of it."""
        book, books = self._pick(self._talkative)
        shown = book.move(self._rng)
        return self._told(book, books, shown, event_time)

    def glance(self, event_time: datetime, country: str | None = None) -> OfferChange:
        """One product as it stands now, from `country` where it has any; nothing happens."""
        local = [p.marketplace.country_code == country for p in self.products[: self._talkative]]
        if any(local):
            books = self._books[local.index(True)]
            book = books["new"]
        else:
            book, books = self._pick(self._talkative)
        return self._told(book, books, book.look(self._rng), event_time)

    def disqualify(self, event_time: datetime) -> HealthAlert:
        """Price one own offer out of the market, at times of a product not heard of otherwise."""
        silent = range(self._talkative, len(self.products))
        if silent and chance(self._rng, 10):
            book = self._books[self._rng.choice(silent)]["new"]
        else:
            book, _ = self._pick(self._talkative)
        own = book.price_out_own()
        return HealthAlert(book.product, book.condition, event_time, own, tuple(book.offers))

    def _pick(self, among: int) -> tuple[Book, dict[Condition, Book]]:
        books = self._rng.choices(self._books[:among], cum_weights=self._popularity[:among])[0]
        used = "used" in books and chance(self._rng, 35)
        return books["used" if used else "new"], books

    @staticmethod
    def _told(
        book: Book, books: dict[Condition, Book], shown: tuple[Offer, ...], event_time: datetime
    ) -> OfferChange:
        everything = {condition: tuple(other.offers) for condition, other in books.items()}
        return OfferChange(book.product, book.condition, event_time, shown, everything)


def _catalogue(rng: Random, count: int) -> list[Product]:
    """Products of all marketplaces; the same ASIN again elsewhere, and at the other own seller."""
    countries = {m.country_code: m for m in all_marketplaces().values()}
    products: list[Product] = []
    for index in range(count):
        country = COUNTRIES[index] if index < len(COUNTRIES) else rng.choice(COUNTRIES)
        marketplace, seller_id = countries[country], rng.choice(OWN_SELLERS)
        book = (index + 1) % 15 == 0
        asin = _isbn(rng) if book else "B0" + "".join(rng.choices(LETTERS, k=8))
        if index % 10 in _SIBLINGS:
            back, same_place = _SIBLINGS[index % 10]
            sibling = products[index - back]
            asin = sibling.asin
            seller_id = OWN_SELLERS[1 - OWN_SELLERS.index(sibling.seller_id)]
            marketplace = sibling.marketplace if same_place else marketplace
        # The last few are heard of by PRICING_HEALTH alone.
        silent = index >= count - count // 20
        character = "health-only" if silent else _CHARACTERS[index % len(_CHARACTERS)]
        products.append(Product(seller_id, marketplace, asin, character))
    return products


def _isbn(rng: Random) -> str:
    """An ISBN-10, as books have for their ASIN: it may start with 0 and end with X."""
    digits = [rng.randrange(10) for _ in range(9)]
    check = -sum((10 - i) * digit for i, digit in enumerate(digits)) % 11
    return "".join(map(str, digits)) + "0123456789X"[check]
