"""A delivery's failures are counted apart from its attempts; a route's ASINs are ASINs.

Revision: 0014
Revises: 0013
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Deliveries that wait at this moment start again with no failures: nothing says which of their
# attempts were only waits that a receiver had asked for. Their age ends them all the same.
FAILURES = """
ALTER TABLE alert_deliveries
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT what_failed_was_attempted CHECK (failures BETWEEN 0 AND attempts);
COMMENT ON COLUMN alert_deliveries.attempts IS
    'How often it was taken in hand: with the id it says whose hand it is';
COMMENT ON COLUMN alert_deliveries.failures IS
    'Attempts that failed, of which it may have so many; a wait that was asked for is none';
"""

# Whatever was typed was kept, and "b0..." matched no alert. What can be read is put in upper case.
# What is no ASIN matched nothing and goes. If nothing is left, the list stays, empty: without a
# list the route would take everything.
ASINS = r"""
UPDATE alert_routes AS r
SET asins = ARRAY(
    SELECT upper(btrim(given.asin))
    FROM unnest(r.asins) WITH ORDINALITY AS given (asin, n)
    WHERE upper(btrim(given.asin)) ~ '^[A-Z0-9]{10}$'
    GROUP BY upper(btrim(given.asin))
    ORDER BY min(given.n)
)
WHERE r.asins IS NOT NULL;
UPDATE alert_routes AS r
SET trouble = 'not one of its ASINs was an ASIN, so it takes nothing: remove it and add it again'
WHERE r.asins = '{}';
ALTER TABLE alert_routes
    ADD CONSTRAINT asins_are_asins
        CHECK (asins::text ~ '^\{([A-Z0-9]{10}(,[A-Z0-9]{10})*)?\}$');
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    connection = op.get_bind()
    for part in (FAILURES, ASINS):
        connection.exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
