"""States assessed anew in the background: some hundred products in one transaction.

What is to be done lies in the table `reassessments`. A piece of it is locked while it is worked on
and deleted in the transaction that writes its states, so two workers take different pieces and a
crash loses nothing. Before that it is committed that an attempt begins, with a wait after it as if
it had failed: a piece that workers die of is not the first thing that the next one takes, and of
several products the one at fault is found. Which fees count: docs/decisions/0013.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import psycopg
from msgspec.structs import replace

from db import economy as sql
from db import products as products_sql
from db.alerts import ring_alert_bell
from db.jobs import defer_turn
from economics.facts import MarketFacts, facts_from_json
from process.logs import get_logger
from worker.alerts.raising import tell_alerts
from worker.analysis.decide import Heard
from worker.analysis.reassess import reassess, scopes_between
from worker.analysis.store import row_from_state, state_from_row
from worker.analysis.transaction import NOT_THE_MESSAGE, Analyst
from worker.errors import StateMovedError

log = get_logger(__name__)

PRODUCTS_AT_ONCE = 200
"""So many of a marketplace at a time; a change of products comes in pieces of this size."""

FAILED_FIRST = timedelta(minutes=10)
FAILED_LONGEST = timedelta(days=1)
"""What failed waits twice as long each time; a change of its costs or fees is tried at once."""
NOT_ENDED_FIRST = timedelta(minutes=1)
"""What was begun and not ended: less, since it may be the fault of a deploy."""
MOST_APART = 1000
"""If this many products wait one by one, none of them is to blame: a failing piece waits whole."""
LOOK_BACK = timedelta(hours=2)
"""Midnights are dealt with again for this long: messages of the day before may still come."""


def reassess_waiting(
    conn: psycopg.Connection,
    analyst: Analyst,
    *,
    seconds: float,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Work on what was asked for, for about so long; returns the states that changed.

    What is left is put in line again, behind the messages that wait by then.
    """
    leave_at, changed = time.monotonic() + seconds, 0
    try:
        with conn.transaction():
            sql.settle_reassessments(conn)
    except psycopg.errors.LockNotAvailable:
        log.warning("reassessment_put_off", reason="an analysis takes long")
    while (done := reassess_some(conn, analyst)) is not None:
        changed += done
        if stop() or time.monotonic() > leave_at:
            with conn.transaction():
                defer_turn(conn, "reassess")
            break
    return changed


def reassess_some(conn: psycopg.Connection, analyst: Analyst) -> int | None:
    """One piece, its states in one transaction: how many changed; None when no piece is ready.

    Raises what NOT_THE_MESSAGE names, with nothing done. On any other error the piece is split
    up, and a product that fails by itself waits.
    """
    now = analyst.clock()
    with conn.transaction():
        work = sql.take_reassessment(conn, now=now, max_products=PRODUCTS_AT_ONCE)
        if work is None:
            return None
        if work.failures > 0 and _take_apart(conn, work, now=now):
            return 0
        sql.postpone_reassessment(
            conn,
            work,
            due_at=now + _wait(NOT_ENDED_FIRST, work),
            error=f"Begun by {analyst.worker_id}, {now:%Y-%m-%d %H:%M:%S} UTC, and not ended: "
            "it is under way, or the worker died or hung.",
        )
    try:
        return _reassess(conn, work, analyst)
    except NOT_THE_MESSAGE:
        with suppress(psycopg.Error), conn.transaction():
            sql.give_back(conn, work, due_at=now)
        raise


def _reassess(conn: psycopg.Connection, work: sql.Reassessment, analyst: Analyst) -> int:
    """One piece whose beginning is counted, unless somebody else did it meanwhile."""
    with conn.transaction():
        sql.join_assessors(conn)
        if not sql.hold_reassessment(conn, work):
            return 0
        try:
            # Undone by itself when it fails: the piece stays locked, so nobody else takes it apart.
            with conn.transaction():
                changed = _assess_and_ring(conn, work.products, analyst)
        except NOT_THE_MESSAGE:
            raise
        except Exception as error:  # noqa: BLE001  found out below whose it is
            _set_apart(conn, work, error, analyst)
            return 0
        sql.forget_failed(conn, work)
        sql.put_back(conn, work, now=analyst.clock())
    log.info("reassessed", products=len(work.asins), changed=changed)
    return changed


def ask_for_new_days(conn: psycopg.Connection, *, now: datetime) -> list[tuple[str, str | None]]:
    """Ask for the marketplaces where, since the last look, a day began that changes fees or terms.

    Returns them, with the seller where it concerns one only.
    """
    with conn.transaction():
        since = (sql.pass_fee_days(conn, now=now) or now) - LOOK_BACK
        days = sql.read_fee_days(
            conn,
            first_day=(since - timedelta(days=1)).date(),
            last_day=(now + timedelta(days=1)).date(),
        )
        scopes = scopes_between(days, since, now)
        sql.ask_reassessments(conn, scopes)
    return scopes


def _set_apart(
    conn: psycopg.Connection, work: sql.Reassessment, error: Exception, analyst: Analyst
) -> None:
    """Each product of the piece becomes one of its own; one that failed by itself waits a while.

    So whatever else is to be done, the rest of a marketplace above all, goes on meanwhile.
    """
    now = analyst.clock()
    if _take_apart(conn, work, now=now):
        log.warning("reassessment_refused", products=len(work.asins), error=repr(error))
        return
    again_at = now + _wait(FAILED_FIRST, work)
    why = repr(error)[:1000]
    if len(work.asins) > 1:
        sql.postpone_reassessment(conn, work, due_at=again_at, error=why)
    else:
        sql.put_back(conn, work, now=now)
        sql.set_apart(conn, work, due_at=again_at, error=why)
    log.error(
        "reassessment_failed",
        products=[f"{marketplace_id}:{asin}" for marketplace_id, asin in work.products],
        error=repr(error),
        failures=work.failures + 1,
        next_attempt_at=again_at,
    )


def _take_apart(conn: psycopg.Connection, work: sql.Reassessment, *, now: datetime) -> bool:
    """Make each product of a piece one of its own, ready at once, unless very many wait so."""
    if len(work.asins) <= 1 or sql.count_apart(conn) >= MOST_APART:
        return False
    sql.put_back(conn, work, now=now)
    sql.set_apart(conn, work, due_at=now)
    return True


def _wait(first: timedelta, work: sql.Reassessment) -> timedelta:
    return min(FAILED_LONGEST, first * (1 << min(work.failures, 20)))


def _assess_and_ring(
    conn: psycopg.Connection, products: Sequence[tuple[str, str]], analyst: Analyst
) -> int:
    """Assess, and ring for what changed; returns how many states did."""
    changed, alerted = _assess(conn, products, analyst)
    if changed:
        products_sql.ring_state_bell(conn, changed)
    if alerted:
        ring_alert_bell(conn, alerted)
    return len(changed)


def _assess(
    conn: psycopg.Connection, products: Sequence[tuple[str, str]], analyst: Analyst
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Write the states of these products that change, and let their alerts hear it.

    Returns (product, severity) of each state, and of each alert, that changed.
    """
    now = analyst.clock()
    known = [state_from_row(row) for row in products_sql.lock_states(conn, products)]
    facts = sql.read_facts(conn, [state.row_id for state in known if state.row_id is not None])
    economy = analyst.shelf.economy(conn, products)
    anew = [
        reassess(
            state, _market_facts(facts.get(state.row_id or 0)), economy, analyst.severity, now=now
        )
        for state in known
    ]
    news = [state for state, before in zip(anew, known, strict=True) if state is not before]
    if not news:
        return [], []
    rows = [row_from_state(replace(state, version=state.version + 1)) for state in news]
    changed = products_sql.upsert_states(conn, rows, now=now, worker_id=analyst.worker_id)
    if len(changed) != len(rows):
        raise StateMovedError
    heard = [Heard(state, state.trace_id) for state in news]
    subjects = {state.subject for state in known}
    return changed, tell_alerts(conn, heard, subjects, analyst.severity, now=now)


def _market_facts(facts_json: str | None) -> MarketFacts | None:
    """A state's newest message is one of offers, whose facts can be read: it was analysed."""
    facts = None if facts_json is None else facts_from_json(facts_json)
    return facts if isinstance(facts, MarketFacts) else None
