"""What to re-assess is told by `reassessments`; nobody asks products what changed since a cursor.

Revision: 0007
Revises: 0006
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UNREAD = """
DROP INDEX products_changed_in;
COMMENT ON COLUMN products.changed_in IS 'The transaction that last changed the row';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(UNREAD)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
