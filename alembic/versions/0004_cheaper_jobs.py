"""Cheaper jobs and facts: one bell per statement, no event that nobody reads, facts as text.

Revision: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# procrastinate rings two bells and writes one event for every row. Analysis jobs come by the
# hundred in one transaction and are deleted within a second, their events with them:
# docs/decisions/0012.
BELL = """
CREATE FUNCTION buybox_ring_workers()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_notify(channel, json_build_object('type', 'job_inserted', 'job_id', q.id)::text)
    FROM (
        SELECT i.queue_name, min(i.id) AS id
        FROM inserted AS i
        WHERE i.status = 'todo'
        GROUP BY i.queue_name
    ) AS q
    CROSS JOIN LATERAL (
        VALUES ('procrastinate_queue_v1#' || q.queue_name), ('procrastinate_any_queue_v1')
    ) AS c (channel);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION buybox_ring_workers IS
    'Wakes procrastinate''s workers as its own trigger does, but once a statement and queue.';

DROP TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 ON procrastinate_jobs;
CREATE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1
    AFTER INSERT ON procrastinate_jobs
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT
    EXECUTE FUNCTION buybox_ring_workers();
"""

EVENTS = """
DROP TRIGGER procrastinate_trigger_status_events_insert_v1 ON procrastinate_jobs;
CREATE TRIGGER procrastinate_trigger_status_events_insert_v1
    AFTER INSERT ON procrastinate_jobs
    FOR EACH ROW WHEN (NEW.status = 'todo' AND NEW.queue_name <> 'analysis')
    EXECUTE FUNCTION procrastinate_trigger_function_status_events_insert_v1();
"""

# Facts are written once and read once, by a program: parsing them into jsonb and printing them
# again gained nothing. Operators' -> and ->> work as before. Rewrites the table: messages wait in
# SQS meanwhile.
FACTS = """
ALTER TABLE notification_bodies ALTER COLUMN facts TYPE json USING facts::text::json;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    connection = op.get_bind()
    for part in (BELL, EVENTS, FACTS):
        connection.exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
