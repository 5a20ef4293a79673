"""Of the work of re-assessing, only pieces of a single product have an index.

Revision: 0022
Revises: 0021
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# The index held all ASINs of whatever failed: two hundred of them can be more than an entry may be,
# and then the failure could not be written down. Nobody looks for more than one.
PIECES_OF_ONE = """
DROP INDEX reassessments_failing_idx;
CREATE INDEX reassessments_apart_idx ON reassessments ((asins[1])) WHERE cardinality(asins) = 1;
COMMENT ON INDEX reassessments_apart_idx IS
    'Few: for a change that assesses at last what failed before, and to count them';
COMMENT ON COLUMN reassessments.failures IS
    'Attempts that failed, one after the other, with the one that is under way: '
    'the next wait is twice as long each time';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(PIECES_OF_ONE)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
