"""T2 as the task calls it: for many products at once, and, when that fails, whose fault it was.

What failed together is tried again apart: each product by itself, then each notification by
itself. The one that fails alone is set apart, and no other pays for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress

import psycopg

from db import economy
from db import products as sql
from process.logs import get_logger
from worker.analysis.decide import Claimed, failed_attempt
from worker.analysis.store import attempt_row
from worker.analysis.transaction import (
    NOT_THE_MESSAGE,
    Analysed,
    Analyst,
    claim,
    clear_jobs,
    transact,
    work,
)
from worker.errors import WorkerDiedError

log = get_logger(__name__)


def analyse(conn: psycopg.Connection, products: Sequence[str], analyst: Analyst) -> Analysed:
    """Analyse what waits for these products (`marketplace:ASIN`), at most `max_rows` of it.

    Raises what NOT_THE_MESSAGE names, all worth another try, with nothing done. On any other
    error, such as the database refusing what was to be written, each product, and then each
    notification, is tried by itself, and the one that fails is set apart.
    """
    try:
        return transact(conn, products, analyst)
    except NOT_THE_MESSAGE:
        raise
    except Exception as error:  # noqa: BLE001  found out below whose it is
        log.warning("batch_refused", products=list(products), error=repr(error))
    return _apart(conn, products, analyst)


def analyse_front(conn: psycopg.Connection, product: str, analyst: Analyst) -> Analysed:
    """As `analyse`, for one product and with it those at the front of the queue, in one T2.

    The others' head jobs are held by nothing but row locks, so a crash gives all of them back.
    """
    products = [product]
    try:
        with conn.transaction():
            economy.join_assessors(conn)
            products += sql.claim_sibling_jobs(
                conn, product, now=analyst.clock(), max_products=analyst.max_siblings
            )
            return work(conn, products, analyst)
    except NOT_THE_MESSAGE:
        raise
    except Exception as error:  # noqa: BLE001  found out below whose it is
        log.warning("batch_refused", products=products, error=repr(error))
    return _apart(conn, products, analyst)


def analyse_put_back(conn: psycopg.Connection, product: str, analyst: Analyst) -> Analysed:
    """As `analyse_front`, for a product whose job was put back: a worker died, perhaps of it.

    Nothing is taken along, and each notification is analysed by itself. Before that, its beginning
    is counted and committed: after `max_attempts` beginnings without an end it is given up.
    """
    return _one_by_one(conn, [product], analyst, counted=True)


@contextmanager
def _counted(conn: psycopg.Connection, one: Claimed, analyst: Analyst) -> Iterator[None]:
    """Around an attempt that the worker may die of: its beginning is counted and committed first.

    If the database is at fault, that is taken back, as long as the connection is still there.
    """
    with conn.transaction():
        begun = sql.count_beginning(conn, one.row_id)
    if begun > analyst.max_attempts:
        raise WorkerDiedError(
            f"Its analysis was begun {analyst.max_attempts} times and never ended: the worker died "
            "or hung each time. Its log may say of what; once that is corrected, redrive this."
        )
    try:
        yield
    except NOT_THE_MESSAGE:
        with suppress(psycopg.Error), conn.transaction():
            sql.count_beginning(conn, one.row_id, step=-1)
        raise


def _apart(conn: psycopg.Connection, products: Sequence[str], analyst: Analyst) -> Analysed:
    """What could not be done together: a product by itself, then a notification by itself."""
    if len(products) == 1:
        return _one_by_one(conn, products, analyst)
    total = Analysed()
    for product in products:
        total += analyse(conn, [product], analyst)
    return total


def _one_by_one(
    conn: psycopg.Connection,
    products: Sequence[str],
    analyst: Analyst,
    *,
    counted: bool = False,
) -> Analysed:
    with conn.transaction():
        claimed = claim(conn, products, analyst, now=analyst.clock(), only_row_id=None)
    total = Analysed()
    for one in claimed:
        try:
            with _counted(conn, one, analyst) if counted else nullcontext():
                total += transact(conn, products, analyst, only_row_id=one.row_id)
        except NOT_THE_MESSAGE:
            raise
        except Exception as error:  # noqa: BLE001  it concerns this notification alone
            total += _set_apart(conn, one, error, products, analyst)
    return total


def _set_apart(
    conn: psycopg.Connection,
    one: Claimed,
    error: Exception,
    products: Sequence[str],
    analyst: Analyst,
) -> Analysed:
    now = analyst.clock()
    failed = failed_attempt(
        one, error, now=now, max_attempts=analyst.max_attempts, jitter=analyst.jitter
    )
    with conn.transaction():
        attempts = [attempt_row(failed)]
        sql.record_attempts(conn, attempts, now=now, worker_id=analyst.worker_id)
        sql.defer_wake_ups(conn, attempts)
        clear_jobs(conn, products, analyst, perhaps_more=True, now=now)
    log.error("analysis_failed", trace_id=one.trace_id, error=failed.error_message)
    return Analysed(claimed=1, failed=1)
