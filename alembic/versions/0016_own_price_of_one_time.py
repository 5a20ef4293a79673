"""Which of two messages of the same time told the last own price.

Revision: 0016
Revises: 0015
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Existing rows keep NULL: the next own price of that very time counts as the newer one.
TIES = """
ALTER TABLE current_state
    ADD COLUMN last_own_publish_time timestamptz,
    ADD COLUMN last_own_event_key text;
COMMENT ON COLUMN current_state.last_own_publish_time IS
    'Of the message that told the last own price, where the market is of another one';
COMMENT ON COLUMN current_state.last_own_event_key IS
    'Of the same message: of several of one time the last published counts, then the greater key';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(TIES)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
