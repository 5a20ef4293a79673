"""What the states of one transaction do to their alerts, before anything is written."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from economics.assess_economics import EconomicsView
from economics.costing import Economics
from economics.facts import MarketFacts, Offer
from tests.alerts import HOUR, MINUTE, NOW, SETTINGS, delivered, ended, falling
from tests.strategies import SUBJECT, T0, after, event
from worker.alerts.account import ASSESSED, PASSED, Account, Kept
from worker.alerts.events import Tick
from worker.alerts.facts import MARGINS_KNOWN
from worker.alerts.flapping import Seen
from worker.alerts.hearing import hear
from worker.alerts.lifecycle import advance
from worker.alerts.values import AlertSubject
from worker.analysis.decide import Heard
from worker.analysis.severity import Verdict
from worker.analysis.state import SeveritySettings

NO_COSTS = Economics(T0, EconomicsView(unknown_reason="no costs"))
OF_THIS_PRODUCT = AlertSubject(*SUBJECT[:4], "price")
KEY = OF_THIS_PRODUCT.key


def state(severity, minute, *, margin=None):
    """A state in which the own offer wins; its margin is unknown where none is given."""
    own = Offer(seller_id=SUBJECT.seller_id, listing=Decimal(12), winner=True)
    facts = MarketFacts(currency="GBP", offers=(own,), offer_count=1, buy_box_prices=(Decimal(12),))
    found, _ = after(event(minute * 60, facts))
    worth = None
    if margin is not None:
        percent = Decimal(margin)
        view = EconomicsView(margin_at_current_price=percent, margin_at_market_low=percent)
        worth = Economics(found.moment.event_time, view)
    return replace(found, verdict=Verdict(severity, ()), economics=worth)


def account_after(*states, kept=(), known=(), minutes=0):
    account = Account.of(kept, NOW + timedelta(minutes=minutes), SETTINGS)
    hear(account, [Heard(one, "trace") for one in states], known, SeveritySettings())
    return account


def told(account):
    """What goes out, and what was held back in brackets."""
    return [
        m.tell if m.held_back is None else f"({m.tell})"
        for m in account.messages
        if m.placement.reach != "digest"
    ]


def test_margins_that_were_known_and_are_missing_now_clear_nothing():
    """A thin margin made it high: without costs it looks well, and nobody knows."""
    raised = account_after(state("high", 0, margin="5")).newest[KEY]
    later = account_after(state("success", 1), kept=[raised], minutes=1).newest[KEY].alert
    assert (later.below_high_since, later.unknown_since) == (None, NOW + MINUTE)
    again = (
        account_after(state("success", 1), state("success", 2), kept=[raised], minutes=2)
        .newest[KEY]
        .alert
    )
    assert again.below_high_since is None, "the message before has not made them usual"


def test_margins_that_became_known_later_are_missed_from_then_on():
    raised = account_after(state("high", 0)).newest[KEY]
    same = account_after(state("high", 1, margin="5"), kept=[raised], minutes=1).newest[KEY]
    later = account_after(state("success", 2), kept=[same], minutes=2).newest[KEY].alert
    assert (later.below_high_since, later.unknown_since) == (None, NOW + 2 * MINUTE)


def test_margins_that_were_never_known_are_no_gap():
    """Nor are those of an alert before this one, which cleared."""
    without_costs = replace(state("high", 0), economics=NO_COSTS)
    before = Kept(
        ended("cleared", subject=OF_THIS_PRODUCT, last_event_time=T0, facts={MARGINS_KNOWN: True})
    )
    for kept in ([], [before]):
        raised = account_after(without_costs, kept=kept).newest[KEY]
        assert raised.alert.is_open
        well = replace(state("success", 1), economics=NO_COSTS)
        later = account_after(well, kept=[raised], minutes=1).newest[KEY].alert
        assert (later.below_high_since, later.unknown_since) == (NOW + MINUTE, None)


def test_the_reader_is_shown_what_is_known_and_nothing_else():
    known = account_after(state("high", 0, margin="5")).newest[KEY].alert.facts
    assert (known["your_price"], known["margin_at_current_price"]) == (Decimal(12), Decimal(5))
    assert (known["event_time"], known["reasons"]) == (state("high", 0).moment.event_time, [])
    assert None not in known.values()
    unknown = account_after(state("high", 0)).newest[KEY].alert.facts
    assert set(known) - set(unknown) == {
        "margin_at_current_price",
        "margin_at_market_low",
        "recommendation_reason",
        "risk_flags",
    }


def test_a_product_that_was_well_before_has_that_behind_it():
    """Else its first change would not count as one."""
    new = account_after(state("high", 0)).newest[KEY]
    known = account_after(state("high", 0), known={SUBJECT}).newest[KEY]
    assert new.flap.seen == (Seen(NOW, "high"),)
    assert known.flap.seen == (Seen(NOW, None), Seen(NOW, "high"))


def test_all_clear_is_counted_once_where_it_was_bad_and_the_data_can_say():
    raised = account_after(state("high", 0, margin="5")).newest[KEY]
    well = account_after(
        state("success", 1, margin="40"), state("info", 2, margin="40"), kept=[raised], minutes=2
    )
    assert told(well) == ["all-clear"]
    assert [m.severity for m in well.messages] == ["success"]
    unknown = account_after(state("success", 1), kept=[raised], minutes=1)
    assert told(unknown) == []
    assert account_after(state("success", 0), known={SUBJECT}).tallies == {ASSESSED: 1}


def test_what_began_and_looks_well_by_the_last_message_is_owed_and_not_told():
    account = account_after(state("high", 0), state("success", 1))
    assert told(account) == ["(raised)", "all-clear"]
    (alert,) = (kept.alert for kept in account.changed.values())
    assert (alert.owed, alert.last_told_at) == ("raised", None)
    assert account.newest[KEY].alert == alert
    assert [e.transition.voice for e in account.events] == [PASSED]
    assert account.tallies[PASSED.code] == 2  # the message itself, and the alert


def test_what_ran_out_of_time_takes_back_what_waits_and_says_so():
    before = Kept(delivered(timeout_from=NOW - 24 * HOUR))
    account = Account.of([before], NOW, SETTINGS)
    account.take(advance(before.alert, Tick(), NOW, SETTINGS))
    assert account.ended == {1}
    assert told(account) == ["timed-out"]


@pytest.mark.parametrize(("below", "tell"), [(None, "eased"), (NOW - HOUR, "cleared")])
def test_what_eased_or_cleared_takes_back_nothing(below, tell):
    before = Kept(falling("critical", NOW - HOUR, below_warning_since=below))
    account = Account.of([before], NOW, SETTINGS)
    account.take(advance(before.alert, Tick(), NOW, SETTINGS))
    assert account.ended == set()
    assert told(account) == [tell]
