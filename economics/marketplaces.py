"""Amazon's marketplaces: id, country and the one currency each trades in.

Source: `economics/data/marketplaces.json`, compiled from Amazon's pages "Marketplace IDs" and
"SP-API Endpoints"; currency and minor units are ISO 4217. An id that is not in the list is data,
not an error: Amazon uses further ids for orders placed off Amazon.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

JAPAN = "A1VC38T7YXB528"

_SELLERS_CODES = {"GB": "UK"}


@dataclass(frozen=True, slots=True)
class Marketplace:
    """One marketplace. `minor_units` is the number of decimals of its currency (JPY: 0)."""

    marketplace_id: str
    country_code: str
    currency: str
    minor_units: int

    @property
    def code(self) -> str:
        """What sellers call it: UK, where ISO 3166 says GB."""
        return _SELLERS_CODES.get(self.country_code, self.country_code)


@cache
def all_marketplaces() -> dict[str, Marketplace]:
    """Every known marketplace by its id."""
    text = resources.files("economics").joinpath("data/marketplaces.json").read_text("utf-8")
    return {
        row["marketplaceId"]: Marketplace(
            row["marketplaceId"], row["countryCode"], row["currency"], row["currencyMinorUnits"]
        )
        for row in json.loads(text)
    }


def find_marketplace(marketplace_id: str) -> Marketplace | None:
    """The marketplace with this id, or None for an id Amazon's pages do not list."""
    return all_marketplaces().get(marketplace_id)


def country_of(marketplace_id: str) -> str:
    """Its country, as people name a marketplace; the id itself where nobody knows it."""
    found = find_marketplace(marketplace_id)
    return found.code if found else marketplace_id


@cache
def marketplaces_by_name() -> dict[str, Marketplace]:
    """Every marketplace by what people may call it: its code (UK), its country (GB), its id."""
    known = all_marketplaces().values()
    return {name: one for one in known for name in (one.code, one.country_code, one.marketplace_id)}


def marketplace_codes() -> str:
    """The codes of all, for people to choose from."""
    return ", ".join(sorted(one.code for one in all_marketplaces().values()))
