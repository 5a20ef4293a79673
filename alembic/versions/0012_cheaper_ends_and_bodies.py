"""Cheaper ends of jobs, and bodies: fewer queries per deleted job, lz4 if the server has it.

Revision: 0012
Revises: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# For every job that is deleted a trigger of procrastinate's takes the job's id out of the periodic
# tasks, and then the foreign key checks with two more statements whether any is left. Now the key
# itself takes the id out, and for analysis jobs, which never come from a periodic task, that is all
# that happens: docs/decisions/0021.
UNLINK = """
DROP TRIGGER procrastinate_trigger_delete_jobs_v1 ON procrastinate_jobs;
CREATE TRIGGER procrastinate_trigger_delete_jobs_v1
    BEFORE DELETE ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.queue_name <> 'analysis')
    EXECUTE FUNCTION procrastinate_unlink_periodic_defers_v1();
ALTER TABLE procrastinate_periodic_defers
    DROP CONSTRAINT procrastinate_periodic_defers_job_id_fkey,
    ADD CONSTRAINT procrastinate_periodic_defers_job_id_fkey
        FOREIGN KEY (job_id) REFERENCES procrastinate_jobs (id) ON DELETE SET NULL;
"""

# Compressing the body is the most expensive thing Postgres does for a message, and lz4 takes a
# fraction of pglz's time. Not every server is built with it. Existing rows stay as they are.
COMPRESSION = """
DO $$
DECLARE
    bodies regclass;
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_settings AS s
        WHERE s.name = 'default_toast_compression' AND 'lz4' = ANY (s.enumvals)
    ) THEN
        RETURN;
    END IF;
    FOR bodies IN SELECT t.relid FROM pg_partition_tree('notification_bodies') AS t LOOP
        EXECUTE 'ALTER TABLE ' || bodies::text || ' ALTER COLUMN body SET COMPRESSION lz4,'
            ' ALTER COLUMN facts SET COMPRESSION lz4';
    END LOOP;
END
$$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    connection = op.get_bind()
    for part in (UNLINK, COMPRESSION):
        connection.exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
