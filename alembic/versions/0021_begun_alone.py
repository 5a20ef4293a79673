"""How often the analysis of a notification was begun alone, after a worker had died.

Revision: 0021
Revises: 0020
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Attempts are counted when they fail, and a worker that dies of one counts nothing: a message that
# ended its worker was tried for ever (docs/decisions/0023). The constraint is not checked against
# existing rows, which would read the whole inbox under a lock: none of them has a value yet.
BEGUN = """
ALTER TABLE worker_notifications
    ADD COLUMN begun smallint,
    ADD CONSTRAINT begun_is_a_count CHECK (begun > 0) NOT VALID;
COMMENT ON COLUMN worker_notifications.begun IS
    'How often its analysis was begun by itself since a worker had died; counted before it begins';
COMMENT ON TABLE worker_counters IS
    'Things that should not happen, counted: swept_products is expected to stay 0, '
    'rescued_analyses counts jobs of analysis whose worker died or hung; updated_at dates the last';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(BEGUN)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
