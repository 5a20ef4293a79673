"""The states lie in the order in which the dashboard lists and counts them.

Revision: 0023
Revises: 0022
"""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# The page reads the worst three thousand states in pages, and again after each reset. Without an
# index in their order every page read and sorted all there are: with 200,000 products a second a
# page. The expressions are those of list_states, word for word; severity is for count_states.
LISTED = """
CREATE INDEX current_state_listed ON current_state (
    array_position(ARRAY['critical', 'high', 'warning', 'success', 'info'], severity),
    COALESCE(-profit_at_stake_per_day, 'infinity'),
    (marketplace_id || '|' || asin || '|' || item_condition || '|' || audience || '|' || seller_id)
) INCLUDE (severity);
COMMENT ON INDEX current_state_listed IS
    'A page of the states, the worst first, and how many there are of each severity';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(LISTED)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
