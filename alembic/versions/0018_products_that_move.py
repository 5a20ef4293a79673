"""Costs that an update moves to another product concern the one they left, too.

Revision: 0018
Revises: 0017
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# The state of the product that they left went on showing margins of costs that are gone. What they
# are costs of now, and the job, are products_updated's business; an import moves nothing, so that
# nothing is found here.
MOVED = """
CREATE FUNCTION buybox_products_moved()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO public.reassessments (marketplace_ids, asins)
    SELECT array_agg(c.marketplace_id), array_agg(c.asin)
    FROM (
        SELECT d.*, (row_number() OVER (ORDER BY d.marketplace_id, d.asin) - 1) / 200 AS part
        FROM (
            SELECT marketplace_id, asin FROM before
            EXCEPT
            SELECT marketplace_id, asin FROM changed
        ) AS d
    ) AS c
    GROUP BY c.part
    ORDER BY c.part;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION buybox_products_moved IS
    'Products whose costs an update has made those of others are assessed anew.';
CREATE TRIGGER products_updated_from AFTER UPDATE ON products
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION buybox_products_moved();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(MOVED)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
