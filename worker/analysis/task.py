"""The queue's tasks of analysis: thin. Each may run twice; the second finds nothing to do."""

from __future__ import annotations

import time
from datetime import timedelta

import procrastinate
import psycopg
import stamina
from psycopg_pool import ConnectionPool, PoolTimeout

from db import jobs, operators, products
from process.logs import get_logger
from worker.analysis.analyse import analyse_front, analyse_put_back
from worker.analysis.reassessment import ask_for_new_days, reassess_waiting
from worker.analysis.transaction import NOT_THE_MESSAGE, Analyst

log = get_logger(__name__)

QUEUE = "analysis"
MAINTENANCE_QUEUE = "maintenance"

WORTH_ANOTHER_TRY = (*NOT_THE_MESSAGE, PoolTimeout)
MAX_TURN_S = 5.0
"""A job that always finds more to do gives way after this long: other queues have jobs too.

Not sooner, since procrastinate's fetch reads all waiting jobs of the product in front: where one
has tens of thousands, a large part of a second.
"""

REASSESS_TURN_S = 0.5
"""Re-assessing gives way sooner: messages wait meanwhile."""

SWEEP_GRACE = timedelta(seconds=60)
HEARTBEATS_KEPT_FOR = timedelta(days=1)
FAILED_JOBS_KEPT_FOR = timedelta(days=7)


def register_analysis(app: procrastinate.App, pool: ConnectionPool, analyst: Analyst) -> None:
    """The tasks that analyse. No `retry=` and no queueing lock: both lose or wedge products."""

    @app.task(name="analyse_product", queue=QUEUE, pass_context=True)
    def analyse_product(
        context: procrastinate.JobContext,
        product: str,
        notification: int,  # noqa: ARG001  says for operators which notification asked for it
        trace_id: str,  # noqa: ARG001  likewise
    ) -> None:
        """Analyse what waits for the product and for those at the front of the queue.

        Looks once more before leaving: a job that came meanwhile would wait for the next poll.
        """
        leave_at = time.monotonic() + MAX_TURN_S
        was_put_back = context.job.attempts > 0
        while analyse_with_patience(pool, product, analyst, was_put_back=was_put_back) > 0:
            if context.should_abort() or time.monotonic() > leave_at:
                return

    @app.task(name="wake_product", queue=QUEUE)
    def wake_product(product: str, trace_id: str) -> None:  # noqa: ARG001
        """A failed analysis is due again: put an ordinary job, with the product's lock, in line."""
        with pool.connection() as conn:
            products.defer_due_analyses(conn, [product], now=analyst.clock())


def analyse_with_patience(
    pool: ConnectionPool, product: str, analyst: Analyst, *, was_put_back: bool = False
) -> int:
    """One T2, tried again when the database was busy, restarted or changed underneath.

    Returns the notifications claimed. When patience runs out the error is raised, the job fails,
    and the sweeper puts the product back in line.
    """
    for attempt in stamina.retry_context(
        on=WORTH_ANOTHER_TRY, attempts=6, timeout=20, wait_initial=0.05, wait_max=3
    ):
        with attempt, pool.connection() as conn:
            analyse = analyse_put_back if was_put_back else analyse_front
            return analyse(conn, product, analyst).claimed
    raise AssertionError("stamina either returns or raises")  # pragma: no cover


def register_maintenance(
    app: procrastinate.App,
    pool: ConnectionPool,
    analyst: Analyst,
    *,
    silent: timedelta,
    max_runtime: timedelta,
) -> None:
    """The periodic tasks that keep the queue honest. Cheap, idempotent, safe in several workers."""
    sweep_after = ""

    @app.periodic(cron="* * * * * */10", periodic_id="rescue")
    @app.task(name="rescue_stalled_jobs", queue=MAINTENANCE_QUEUE, priority=100)
    def rescue_stalled_jobs(timestamp: int) -> None:  # noqa: ARG001
        """Every 10 s: jobs of dead workers are put back in line."""
        with pool.connection() as conn:
            rescued = jobs.rescue_stalled_jobs(conn, silent=silent, max_runtime=max_runtime)
        if rescued:
            log.warning("jobs_rescued", products=[product for _, product in rescued])

    @app.periodic(cron="* * * * * */30", periodic_id="sweep")
    @app.task(name="sweep_unheld", queue=MAINTENANCE_QUEUE, priority=100)
    def sweep_unheld(timestamp: int) -> None:  # noqa: ARG001
        """Every 30 s: products that nobody holds get a job. There should be none.

        Where more products wait than one sweep looks at, the next goes on from there.
        """
        nonlocal sweep_after
        with pool.connection() as conn:
            swept, sweep_after = jobs.sweep_unheld(
                conn, now=analyst.clock(), grace=SWEEP_GRACE, after=sweep_after
            )
        if swept:
            log.error("products_swept", products=swept, expected=0)

    @app.periodic(cron="17 * * * *", periodic_id="housekeeping")
    @app.task(name="keep_house", queue=MAINTENANCE_QUEUE, priority=100)
    def keep_house(timestamp: int) -> None:  # noqa: ARG001
        """Every hour: the partitions of the days and weeks ahead; what is old news goes."""
        with pool.connection() as conn:
            operators.forget_heartbeats(conn, older_than=HEARTBEATS_KEPT_FOR)
            jobs.forget_failed_jobs(conn, now=analyst.clock(), older_than=FAILED_JOBS_KEPT_FOR)
        try:
            with pool.connection() as conn:
                made = jobs.ensure_partitions(conn, now=analyst.clock())
        except psycopg.errors.LockNotAvailable as error:
            log.warning("partitions_put_off", error=repr(error))
            return
        if made:
            log.info("partitions_made", partitions=made)


def register_reassessment(app: procrastinate.App, pool: ConnectionPool, analyst: Analyst) -> None:
    """The tasks that work in changed costs and fees. Idempotent, safe in several workers."""

    # Every minute beside each change: whatever was left by a crash or an error is taken up.
    @app.periodic(cron="* * * * *", periodic_id="reassess")
    @app.task(name="reassess", queue=MAINTENANCE_QUEUE, pass_context=True)
    def reassess(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
        """Assess anew what waits for it, for half a second; the rest later."""
        with pool.connection() as conn:
            try:
                reassess_waiting(conn, analyst, seconds=REASSESS_TURN_S, stop=context.should_abort)
            except NOT_THE_MESSAGE as error:
                log.warning("reassessment_put_off", error=repr(error))

    @app.periodic(cron="7 * * * *", periodic_id="new_days")
    @app.task(name="reassess_new_days", queue=MAINTENANCE_QUEUE, priority=100)
    def reassess_new_days(timestamp: int) -> None:  # noqa: ARG001
        """Every hour: fees and terms that begin or end with a day that has begun."""
        with pool.connection() as conn:
            scopes = ask_for_new_days(conn, now=analyst.clock())
        if scopes:
            log.info("fees_of_a_new_day", scopes=scopes)
