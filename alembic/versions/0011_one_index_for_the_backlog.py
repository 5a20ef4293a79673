"""The index of the backlog's age is for those who ask for the age.

Autovacuum sees the inbox when nothing waits. With such statistics every index of what waits looks
as good as any other, and a claim that took this one read the whole backlog for each of its
products. Now its condition says more than theirs: docs/decisions/0019.

Revision: 0011
Revises: 0010
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BACKLOG = """
DROP INDEX worker_notifications_backlog;
CREATE INDEX worker_notifications_backlog ON worker_notifications (received_at)
    WHERE status = 'waiting' AND received_at > '-infinity';
COMMENT ON INDEX worker_notifications_backlog IS
    'How old the backlog is, for who names its condition; a claim must not be able to choose it';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(BACKLOG)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
