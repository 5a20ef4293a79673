"""Bounds for lengths of time, and when people first heard of what an alert continues.

Revision: 0013
Revises: 0012
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# With a length that reaches beyond the calendar, every message of an alert that uses it would fail.
# Whoever wrote such a length meant "never", for which a year is enough.
BOUNDS = """
UPDATE alert_settings AS s
SET clear_hold = LEAST(s.clear_hold, '366 days'),
    dedupe_window = LEAST(s.dedupe_window, '366 days'),
    repeat_interval = LEAST(s.repeat_interval, '366 days'),
    snooze_default = LEAST(s.snooze_default, '366 days'),
    snooze_max = LEAST(s.snooze_max, '366 days'),
    escalate_after = LEAST(s.escalate_after, '366 days'),
    escalation_limit = LEAST(s.escalation_limit, '366 days'),
    auto_resolve_after = LEAST(s.auto_resolve_after, '366 days'),
    flapping_horizon = LEAST(s.flapping_horizon, '366 days'),
    burst_window = LEAST(s.burst_window, '366 days'),
    batch_every = LEAST(s.batch_every, '366 days');
ALTER TABLE alert_settings
    ADD CONSTRAINT lengths_are_a_year_at_most CHECK (
        GREATEST(
            clear_hold, dedupe_window, repeat_interval, snooze_default, snooze_max, escalate_after,
            escalation_limit, auto_resolve_after, flapping_horizon, burst_window, batch_every
        ) <= interval '366 days'
    );
"""

# Whoever heard of a warning must hear that it is over, even if what it became was never told.
STORY = """
ALTER TABLE alerts ADD COLUMN story_told_at timestamptz;
COMMENT ON COLUMN alerts.story_told_at IS
    'When the alert whose place this one took, or one before it, first reached somebody.';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    connection = op.get_bind()
    for part in (BOUNDS, STORY):
        connection.exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
