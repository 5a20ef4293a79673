"""Days, hours and zones that a program can read: only Postgres knows infinity and 24:00.

Revision: 0017
Revises: 0016
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# A single such day, 'infinity' for "open" or '-infinity' for "ever since", made every reading of
# its marketplace's fees fail, and with it each analysis of a product with costs. "Open" is NULL;
# the first day of the calendar is "ever since". What held on no readable day at all never counted.
# The triggers are off: they call server code that comes after the migrations.
DAYS = """
ALTER TABLE {table} DISABLE TRIGGER USER;
DELETE FROM {table} WHERE valid_from > '9999-12-31' OR valid_to <= '0001-01-01';
WITH changed AS (
    UPDATE {table}
    SET valid_from = GREATEST(valid_from, '0001-01-01'),
        valid_to = CASE WHEN valid_to <= '9999-12-31' THEN valid_to END
    WHERE valid_from < '0001-01-01' OR valid_to > '9999-12-31'
    RETURNING marketplace_id
)
INSERT INTO reassessments (marketplace_id) SELECT DISTINCT marketplace_id FROM changed;
ALTER TABLE {table} ENABLE TRIGGER USER;
ALTER TABLE {table}
    ADD CONSTRAINT period_is_of_the_calendar
        CHECK (valid_from BETWEEN '0001-01-01' AND '9999-12-31' AND valid_to <= '9999-12-31');
"""

SOURCES = """
ALTER TABLE fee_rules DISABLE TRIGGER USER;
UPDATE fee_rules
SET source_date = LEAST(GREATEST(source_date, '0001-01-01'), '9999-12-31')
WHERE source_date NOT BETWEEN '0001-01-01' AND '9999-12-31';
ALTER TABLE fee_rules ENABLE TRIGGER USER;
ALTER TABLE fee_rules
    ADD CONSTRAINT source_date_is_of_the_calendar
        CHECK (source_date BETWEEN '0001-01-01' AND '9999-12-31');
UPDATE fee_book SET version = version + 1;
"""

# A single route with such an hour, or with an unknown zone, stopped the messages of all routes.
HOURS = """
UPDATE alert_routes
SET quiet_from = CASE quiet_from WHEN '24:00' THEN '00:00' ELSE quiet_from END,
    quiet_to = CASE quiet_to WHEN '24:00' THEN '23:59:59.999999' ELSE quiet_to END
WHERE '24:00' IN (quiet_from, quiet_to);
UPDATE alert_routes
SET quiet_zone = 'UTC',
    trouble = 'its quiet hours were of no known zone (' || quiet_zone || '): they are read in UTC'
WHERE lower(quiet_zone) NOT IN (
    SELECT lower(name) FROM pg_timezone_names
    UNION ALL
    SELECT lower(abbrev) FROM pg_timezone_abbrevs
);
ALTER TABLE alert_routes
    ADD CONSTRAINT quiet_hours_are_of_a_clock CHECK (quiet_from < '24:00' AND quiet_to < '24:00'),
    -- If there is no such zone, fails with an error that names it.
    ADD CONSTRAINT the_quiet_zone_is_known CHECK (
        quiet_zone IS NULL
        OR (TIMESTAMPTZ '2000-01-01 00:00Z' AT TIME ZONE quiet_zone) IS NOT NULL
    );
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    connection = op.get_bind()
    days = [DAYS.format(table=table) for table in ("fee_rules", "seller_terms")]
    for part in (*days, SOURCES, HOURS):
        connection.exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
