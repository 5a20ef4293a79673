"""Where seller, marketplace and ASIN are in the types that are kept and not analysed.

Amazon puts them into the payload itself, into one object named after the type, one level below
that (ORDER_CHANGE: Summary.MarketplaceId), or into every element of a list
(DETAIL_PAGE_TRAFFIC_EVENT). All of these places are asked in this order, for every type, so that
a type Amazon adds tomorrow is filed as well as it can be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from worker.ingest.fields import fold_keys, identifier, key_part

_SELLER = ("sellerid", "merchantid", "sellingpartnerid", "accountid")
_MARKETPLACE = ("marketplaceid",)
_ASIN = ("asin",)
_DEPTH = 2


class Whereabouts(NamedTuple):
    """Whose notification it is and about what; None where it does not say, or says several."""

    seller_id: str | None
    marketplace_id: str | None
    asin: str | None


def find_whereabouts(payload: object) -> Whereabouts:
    """Look for the ids; a value that cannot be one counts as absent."""
    places = list(_places(payload, _DEPTH))
    return Whereabouts(
        _find(places, _SELLER, identifier),
        _find(places, _MARKETPLACE, key_part),
        _find(places, _ASIN, key_part),
    )


def _places(value: object, depth: int) -> Iterator[dict[str, Any]]:
    """The object, then its members, nearest first; a list counts as what its elements share."""
    if isinstance(value, list):
        value = _agreement(value)
    if not isinstance(value, dict):
        return
    members = fold_keys(value)
    yield members
    if depth:
        for member in members.values():
            yield from _places(member, depth - 1)


def _agreement(elements: Sequence[object]) -> dict[str, str]:
    """The texts that are the same in every element: one of several ASINs would be a guess."""
    objects = [fold_keys(element) for element in elements if isinstance(element, dict)]
    if not objects or len(objects) < len(elements):
        return {}
    first, *others = objects
    return {
        key: value
        for key, value in first.items()
        if isinstance(value, str) and all(other.get(key) == value for other in others)
    }


def _find(
    places: Sequence[dict[str, Any]],
    names: Sequence[str],
    read: Callable[[object], str | None],
) -> str | None:
    for place in places:
        for name in names:
            try:
                found = read(place.get(name))
            except ValueError:
                continue
            if found:
                return found
    return None
