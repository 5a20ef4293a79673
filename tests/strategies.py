"""Facts, events and states as hypothesis draws them, for tests of the pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
from hypothesis import strategies as st
from msgspec.structs import replace

from economics.costing import NOTHING_KNOWN, Economy, Ledger, by_product
from economics.facts import (
    HealthFacts,
    LowestPrice,
    MarketFacts,
    Offer,
    ReferencePrices,
)
from economics.fee_schedule import FeeBook
from tests.economics_strategies import costs, rules, terms
from tests.factories import ASIN, GB, OWN_SELLER, RIVALS
from worker.analysis.severity import Verdict
from worker.analysis.state import (
    Event,
    Moment,
    ProductState,
    SeveritySettings,
    Subject,
    apply_event,
)

SUBJECT = Subject(OWN_SELLER, GB, ASIN, "new", "consumer")
T0 = datetime(2025, 3, 4, 10, 15, 30, tzinfo=UTC)


def lists_of_any_length(elements, *, min_size=0, max_size, **more):
    """Every length is equally likely. Left to itself, hypothesis rarely makes more than a dozen."""
    return st.integers(min_size, max_size).flatmap(
        lambda length: st.lists(elements, min_size=length, max_size=length, **more)
    )


prices = st.decimals("0.01", "999.99", places=2)
"""Believable prices."""

amounts = st.integers(0, 8).flatmap(lambda n: st.decimals("-1e12", "1e12", places=n))
"""Whatever the door lets through as an amount of money."""

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
maybe_flags = st.sampled_from([None, True, False])
references = st.builds(
    ReferencePrices, list_price=st.none() | amounts, retail_offer=st.none() | amounts
)
flags = st.lists(st.sampled_from(["foreign-currency", "offer-without-price"]), unique=True).map(
    tuple
)

any_offers = st.builds(
    Offer,
    seller_id=st.sampled_from([OWN_SELLER, *RIVALS]) | words,
    listing=amounts,
    shipping=st.just(Decimal(0)) | amounts,
    points=st.integers(0, 10**9),
    prime=maybe_flags,
    fulfilled_by_amazon=maybe_flags,
    winner=maybe_flags,
    shippable_now=st.booleans(),
    sub_condition=st.none() | words,
)
any_market_facts = st.builds(
    MarketFacts,
    currency=st.sampled_from(["GBP", "JPY"]),
    offers=st.lists(any_offers, max_size=4).map(tuple),
    offer_count=st.none() | st.integers(0, 10**9),
    lowest_prices=st.lists(
        st.builds(LowestPrice, fulfilled_by_amazon=maybe_flags, landed=amounts), max_size=2
    ).map(tuple),
    buy_box_prices=st.none() | st.lists(amounts, max_size=2).map(tuple),
    reference=references,
    flags=flags,
)
any_health_facts = st.builds(
    HealthFacts,
    currency=st.sampled_from(["GBP", "JPY"]),
    issue_type=words,
    your_price=st.none() | amounts,
    buy_box_price=st.none() | amounts,
    offer_count=st.none() | st.integers(0, 10**9),
    reference=references,
    flags=flags,
)
"""Facts without any sense in them: only their types hold."""

_believable_offers = st.builds(
    Offer,
    seller_id=st.sampled_from([OWN_SELLER, *RIVALS]),
    listing=prices,
    shipping=st.just(Decimal(0)) | prices,
    prime=maybe_flags,
    fulfilled_by_amazon=maybe_flags,
    winner=maybe_flags,
    shippable_now=st.booleans(),
)
market_facts = st.builds(
    MarketFacts,
    currency=st.just("GBP"),
    offers=st.lists(_believable_offers, max_size=5).map(tuple),
    offer_count=st.none() | st.integers(0, 30),
    lowest_prices=st.lists(
        st.builds(LowestPrice, fulfilled_by_amazon=maybe_flags, landed=prices), max_size=2
    ).map(tuple),
    buy_box_prices=st.none() | st.lists(prices, max_size=2).map(tuple),
    flags=flags,
)
"""What a message that makes sense may say; the own offer is in about half of them."""

unbelievable_facts = st.builds(
    lambda facts, at: msgspec.structs.replace(
        facts, offers=(*facts.offers, Offer(seller_id=RIVALS[0], listing=at))
    ),
    market_facts,
    st.sampled_from([Decimal(0), Decimal("-1.00")]),
)
health_facts = st.builds(
    HealthFacts,
    currency=st.just("GBP"),
    issue_type=st.sampled_from(["BuyBoxDisqualification", "Other"]),
    your_price=st.none() | prices,
    buy_box_price=st.none() | prices,
)


FEES = rules(referral="0.15", minimum="0.25", fulfilment="2.50", digital="0.02", fee_vat="0.20")


def economy(*products, fees=FEES, of_terms=None) -> Economy:
    """These costs under these fees, from long ago; the wanted margin is a tenth."""
    of_terms = of_terms or [terms(wanted_margin=Decimal("0.10"))]
    return Economy(by_product(products), Ledger(FeeBook(fees, of_terms)))


COSTS = costs(estimated_daily_sales="2.5", unit_cost="2.00")
ECONOMY = economy(COSTS)
"""SUBJECT's costs are known, and the fees of its category."""


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def event(seconds, facts, *, key="", row_id=None, published=None, subject=SUBJECT) -> Event:
    """An event `seconds` after T0, published half a second later; its row and key follow from it.

    Its trace is its own, so that a state tells whose trace it carries.
    """
    key = key or f"key-{seconds}"
    return Event(
        row_id=row_id if row_id is not None else int(seconds * 10),
        subject=subject,
        moment=Moment(at(seconds), at(seconds + 0.5 if published is None else published), key),
        facts=facts,
        trace_id=f"trace-{key}",
    )


def after(*events, state=None, settings=SeveritySettings(), economy=NOTHING_KNOWN):  # noqa: B008  frozen
    """The state once the events have come in this order, and the assessment of the last."""
    assessment = None
    state = state or ProductState(SUBJECT)
    for one in events:
        state, assessment = apply_event(state, one, settings, economy)
    return state, assessment


all_facts = market_facts | market_facts | health_facts | unbelievable_facts

events = st.lists(all_facts, max_size=6).flatmap(
    lambda facts: st.permutations(range(len(facts))).map(
        lambda times: [event(t, f) for t, f in zip(times, facts, strict=True)]
    )
)
"""Events of one subject with distinct times, in an arbitrary order of arrival."""

economies = st.sampled_from([NOTHING_KNOWN, ECONOMY])


def _state(told, version, reasons, known):
    state = replace(after(*told, economy=known)[0], version=version)
    return replace(state, verdict=Verdict("info", tuple(reasons))) if reasons else state


states = st.builds(_state, events, st.integers(0, 10**9), st.lists(words, max_size=2), economies)
"""States as they come about, with costs known and without."""
