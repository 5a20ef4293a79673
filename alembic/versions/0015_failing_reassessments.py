"""What cannot be re-assessed says so: how often it failed, and why.

Revision: 0015
Revises: 0014
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# What waits at this moment because it failed keeps its next time, and is counted from then on.
FAILURES = """
ALTER TABLE reassessments
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN last_error text,
    ADD CONSTRAINT what_failed_says_why
        CHECK (failures >= 0 AND (failures > 0) = (last_error IS NOT NULL));
COMMENT ON COLUMN reassessments.failures IS
    'Attempts that failed, one after the other: the next wait is twice as long each time';
COMMENT ON COLUMN reassessments.last_error IS 'What the last of them said';
CREATE INDEX reassessments_failing_idx ON reassessments (asins) WHERE failures > 0;
COMMENT ON INDEX reassessments_failing_idx IS
    'Few: for operators, and for a change that assesses at last what failed before';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(FAILURES)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
