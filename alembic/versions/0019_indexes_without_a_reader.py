"""Two indexes of the alerts' tables that no statement reads.

Revision: 0019
Revises: 0018
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# Nobody asks for messages by the time they were made. What waits for a route, and what is on its
# way, have had indexes of their own since 0009; the older one still got an entry at each step.
UNREAD = """
DROP INDEX alert_queues_by_time;
DROP INDEX alert_deliveries_open;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(UNREAD)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
