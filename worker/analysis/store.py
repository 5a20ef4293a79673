"""Between the domain's values and the database's rows, in both directions."""

from __future__ import annotations

from typing import Any

import msgspec

from db.rows import AttemptRow, ClaimedRow, HistoryRow, ProcessedRow, StateRow
from economics.facts import HealthFacts, facts_from_dict, facts_to_dict
from economics.market import Snapshot
from economics.rows import points_from_column
from worker.analysis.decide import Claimed, FailedAttempt
from worker.analysis.severity import SEVERITIES, Severity, Verdict
from worker.analysis.state import Assessment, Health, Moment, ProductState, Subject
from worker.analysis.store_economics import (
    economics_columns,
    economics_from_row,
    history_columns,
)
from worker.errors import UnreadableFactsError


def claimed_from_row(row: ClaimedRow) -> Claimed:
    """A claimed row as analysis sees it."""
    return Claimed(
        row_id=row.id,
        subject=_subject(row),
        moment=Moment(row.event_time, row.publish_time or row.event_time, row.event_key),
        attempts=row.attempts,
        trace_id=row.trace_id,
        facts_json=row.facts,
    )


def state_from_row(row: StateRow) -> ProductState:
    """The state a row holds."""
    return ProductState(
        subject=_subject(row),
        market=_market_from_row(row),
        moment=_moment_from_row(row),
        row_id=row.notification_row_id,
        trace_id=row.trace_id,
        last_own_price=row.last_own_price,
        last_own_moment=_own_moment_from_row(row),
        your_price_changed_at=row.your_price_changed_at,
        winner_seen_at=row.winner_seen_at,
        health=_health_from_row(row),
        doubt_reason=row.doubt_reason,
        doubt_since=row.doubt_since,
        verdict=Verdict(_severity(row.severity), tuple(row.severity_reasons)),
        gap_pct=row.gap_pct,
        policy="mvp" if row.severity_policy == "mvp" else "full",
        economics=economics_from_row(row),
        low_points=points_from_column(row.low_points),
        version=row.version,
    )


def row_from_state(state: ProductState) -> StateRow:
    """The row that holds a state."""
    market, moment, health = state.market, state.moment, state.health
    # Nearly always the market's own: then it is not stored a second time.
    own = None if state.last_own_moment == moment else state.last_own_moment
    return StateRow(
        marketplace_id=state.subject.marketplace_id,
        asin=state.subject.asin,
        item_condition=state.subject.item_condition,
        audience=state.subject.audience,
        seller_id=state.subject.seller_id,
        severity=state.severity,
        severity_policy=state.policy,
        severity_reasons=list(state.verdict.reasons),
        trace_id=state.trace_id,
        version=state.version,
        currency=market.currency if market else (health.facts.currency if health else None),
        gap_pct=state.gap_pct,
        event_time=moment.event_time if moment else None,
        publish_time=moment.publish_time if moment else None,
        event_key=moment.event_key if moment else None,
        notification_row_id=state.row_id,
        last_own_price=state.last_own_price,
        last_own_price_at=state.last_own_price_at,
        last_own_publish_time=own.publish_time if own else None,
        last_own_event_key=own.event_key if own else None,
        your_price_changed_at=state.your_price_changed_at,
        winner_seen_at=state.winner_seen_at,
        health_issue=health.facts.issue_type if health else None,
        health_at=health.at if health else None,
        health_event_key=health.event_key if health else None,
        health=facts_to_dict(health.facts) if health else None,
        doubt_reason=state.doubt_reason,
        doubt_since=state.doubt_since,
        low_points=state.low_points,
        **_market_columns(market),
        **economics_columns(state.economics),
    )


def history_from_assessment(assessment: Assessment) -> HistoryRow:
    """The history row of one assessed notification."""
    event, market = assessment.event, assessment.market
    return HistoryRow(
        notification_row_id=event.row_id,
        event_time=event.moment.event_time,
        seller_id=event.subject.seller_id,
        marketplace_id=event.subject.marketplace_id,
        asin=event.subject.asin,
        item_condition=event.subject.item_condition,
        audience=event.subject.audience,
        kind=event.facts.kind,
        outcome=assessment.outcome,
        severity=assessment.severity,
        severity_policy=assessment.policy,
        severity_reasons=list(assessment.reasons),
        gap_pct=assessment.gap_pct,
        currency=event.facts.currency,
        **_market_columns(market),
        **history_columns(assessment.economics),
    )


def processed_from_assessment(assessment: Assessment) -> ProcessedRow:
    """The mark on the notification that was assessed."""
    return ProcessedRow(
        assessment.event.row_id, assessment.outcome, assessment.severity, assessment.policy
    )


def attempt_row(failed: FailedAttempt) -> AttemptRow:
    """The row of a failed attempt."""
    subject = failed.claimed.subject
    return AttemptRow(
        row_id=failed.claimed.row_id,
        product_key=f"{subject.marketplace_id}:{subject.asin}",
        trace_id=failed.claimed.trace_id,
        error_type=failed.error_type,
        error_message=failed.error_message,
        next_attempt_at=failed.next_attempt_at,
    )


def _subject(row: ClaimedRow | StateRow) -> Subject:
    return Subject(
        row.seller_id,
        row.marketplace_id,
        row.asin,
        row.item_condition,
        "business" if row.audience == "business" else "consumer",
    )


def _market_columns(market: Snapshot | None) -> dict[str, Any]:
    if market is None:
        return {}
    return {
        "your_price": market.your_price,
        "own_price_unknown": market.own_price_unknown,
        "market_low": market.market_low,
        "competitor_low": market.competitor_low,
        "prime_low": market.prime_low,
        "your_position": market.your_position,
        "total_offers": market.total_offers,
        "buy_box_winner": market.buy_box_winner,
        "has_buy_box": market.has_buy_box,
        "buy_box_price": market.buy_box_price,
        "buy_box_sellers": list(market.buy_box_sellers),
        "flags": list(market.flags),
    }


def _market_from_row(row: StateRow) -> Snapshot | None:
    if row.event_time is None or row.currency is None:
        return None
    return Snapshot(
        currency=row.currency,
        your_price=row.your_price,
        own_price_unknown=row.own_price_unknown,
        market_low=row.market_low,
        competitor_low=row.competitor_low,
        prime_low=row.prime_low,
        your_position=row.your_position,
        total_offers=row.total_offers,
        buy_box_winner=row.buy_box_winner,
        has_buy_box=row.has_buy_box,
        buy_box_price=row.buy_box_price,
        buy_box_sellers=tuple(row.buy_box_sellers),
        flags=tuple(row.flags),
    )


def _moment_from_row(row: StateRow) -> Moment | None:
    if row.event_time is None or row.publish_time is None or row.event_key is None:
        return None
    return Moment(row.event_time, row.publish_time, row.event_key)


def _own_moment_from_row(row: StateRow) -> Moment | None:
    """When the last own price was told. Not stored: by the market's message, or before 0016."""
    at, published = row.last_own_price_at, row.last_own_publish_time
    if at is None:
        return None
    if published is not None:
        return Moment(at, published, row.last_own_event_key or "")
    market = _moment_from_row(row)
    return market if market is not None and market.event_time == at else Moment(at, at, "")


def _health_from_row(row: StateRow) -> Health | None:
    if row.health is None or row.health_at is None:
        return None
    try:
        facts = facts_from_dict(row.health)
    except msgspec.ValidationError as error:
        raise UnreadableFactsError(f"the state's health cannot be read: {error}") from error
    if not isinstance(facts, HealthFacts):
        raise TypeError("a state's health is not made of market facts")
    return Health(row.health_at, row.health_event_key or "", facts)


def _severity(text: str) -> Severity:
    for severity in SEVERITIES:
        if severity == text:
            return severity
    raise ValueError(f"{text!r} is no severity")
