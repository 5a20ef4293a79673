"""What autovacuum learns from a drained queue must not lead to plans that read all of the next one.

With the statistics of an empty table every index of what waits looks as good as any other. So each
statement is left with one that fits it: the index of the backlog's age gets a condition that is
named only by the statements that ask for the age, and procrastinate's index on (id, lock), which
cannot be searched by lock, is dropped: ours on (lock, priority, id) serves its fetch.
See docs/decisions/0020.

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

PREDECESSORS = "DROP INDEX procrastinate_jobs_id_lock_idx_v1"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(BACKLOG)
    op.get_bind().exec_driver_sql(PREDECESSORS)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
