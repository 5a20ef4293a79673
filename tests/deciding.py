"""Notifications as they are claimed, and what becomes of them: for tests of `decide`."""

from __future__ import annotations

import random
from decimal import Decimal

from msgspec.structs import replace

from economics.costing import NOTHING_KNOWN
from economics.facts import MarketFacts, Offer, facts_to_json
from tests.factories import NOW, OWN_SELLER, RIVALS
from tests.strategies import SUBJECT, event
from worker.analysis.decide import Claimed, decide
from worker.analysis.state import SeveritySettings


def claim(seconds, price="12.00", *, subject=SUBJECT, attempts=0, **changes):
    offers = (
        Offer(seller_id=OWN_SELLER, listing=Decimal(price)),
        Offer(seller_id=RIVALS[0], listing=Decimal("10.00")),
    )
    told = event(seconds, MarketFacts(currency="GBP", offers=offers), subject=subject)
    made = Claimed(
        told.row_id, subject, told.moment, attempts, told.trace_id, facts_to_json(told.facts)
    )
    return replace(made, **changes)


def decided(*claimed, known=None, max_attempts=3, policy="full", of_economy=NOTHING_KNOWN):
    return decide(
        claimed,
        known or {},
        SeveritySettings(policy=policy),
        now=NOW,
        max_attempts=max_attempts,
        jitter=random.Random(7),
        economy=of_economy,
    )


def states_of(*claimed, **given_):
    return {state.subject: state for state in decided(*claimed, **given_).states}
