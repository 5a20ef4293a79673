"""procrastinate's connector, made tolerant of one race in its fetch."""

from __future__ import annotations

from typing import Any, LiteralString

from procrastinate import PsycopgConnector, exceptions, sql

LOCK_INDEX = "procrastinate_jobs_lock_idx_v1"
FETCH_ATTEMPTS = 3
NO_JOB: dict[str, Any] = {"id": None}


class BuyboxConnector(PsycopgConnector):
    """Two workers may pick jobs of the same product at the same instant.

    It takes a job that commits late with an earlier place while another worker's claim is not yet
    committed: both see no running job, and the unique index on the lock lets only one through.
    procrastinate would end the losing worker; here it just looks again.
    """

    async def execute_query_one_async(
        self, query: LiteralString, **arguments: Any
    ) -> dict[str, Any]:
        """As the base class; a lost race for a lock counts as "no job for now"."""
        row = NO_JOB
        for _ in range(FETCH_ATTEMPTS):
            try:
                row = await super().execute_query_one_async(query, **arguments)
            except exceptions.UniqueViolation as error:
                if query != sql.queries["fetch_job"] or error.constraint_name != LOCK_INDEX:
                    raise
            else:
                break
        return row
