"""A delivery's failed attempts, counted apart from the hands that took it.

Revision: 0014
Revises: 0012
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

# What waits at this moment has its patience anew: nothing says which of its attempts were only
# waits that a receiver had asked for. Its age ends it all the same.
FAILURES = """
ALTER TABLE alert_deliveries
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT what_failed_was_attempted CHECK (failures BETWEEN 0 AND attempts);
COMMENT ON COLUMN alert_deliveries.attempts IS
    'How often it was taken in hand: with the id it says whose hand it is';
COMMENT ON COLUMN alert_deliveries.failures IS
    'Attempts that failed, of which it may have so many; a wait that was asked for is none';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(FAILURES)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
