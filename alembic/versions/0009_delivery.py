"""Deliveries: when one is due, what may still join it, and one at a time per route.

Revision: 0009
Revises: 0008
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE alert_deliveries ADD COLUMN due_at timestamptz, ADD COLUMN joins_key text;
UPDATE alert_deliveries SET due_at = COALESCE(next_attempt_at, created_at);
UPDATE alert_deliveries SET next_attempt_at = due_at
WHERE status = 'queued' AND next_attempt_at IS NULL;
ALTER TABLE alert_deliveries
    ALTER COLUMN due_at SET NOT NULL,
    ADD CONSTRAINT what_waits_has_a_time
        CHECK (status <> 'queued' OR channel = 'dashboard' OR next_attempt_at IS NOT NULL);
COMMENT ON COLUMN alert_deliveries.due_at IS
    'When it may go out first: at once, or when quiet hours or the gathering of a burst end. Its
age, after which it is given up, counts from here';
COMMENT ON COLUMN alert_deliveries.joins_key IS
    'Until it is due, messages to the same route with the same key join it instead of going alone';

-- A receiver gets one message at a time, in order, and one that hangs holds up nobody else.
CREATE UNIQUE INDEX one_delivery_a_route_at_a_time ON alert_deliveries (route_id)
    WHERE status = 'sending';
-- the courier: what waits for a route, oldest first
CREATE INDEX alert_deliveries_waiting ON alert_deliveries (route_id, next_attempt_at, id)
    WHERE status = 'queued';
-- the dispatcher: deliveries that gather, and those that did a moment ago
CREATE INDEX alert_deliveries_gathering ON alert_deliveries (route_id, due_at)
    WHERE joins_key IS NOT NULL;
-- the dispatcher: what interrupted people in the last minutes
CREATE INDEX alert_queues_interrupting ON alert_queues (scheduled_at)
    WHERE reach = 'immediate-channels' AND dispatched_at IS NOT NULL;
-- the dispatcher: history whose week is over, apart from what people wait for
DROP INDEX alert_queues_due;
CREATE INDEX alert_queues_due ON alert_queues (scheduled_at, id)
    WHERE status = 'queued' AND dispatched_at IS NULL AND reach <> 'history';
CREATE INDEX alert_queues_history_due ON alert_queues (scheduled_at, id)
    WHERE status = 'queued' AND reach = 'history';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(STATEMENTS)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
