"""What a market is worth to the seller, beside its state; and what must be re-assessed.

Revision: 0006
Revises: 0005
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATE = """
ALTER TABLE current_state
    ADD COLUMN margin_at_current_price numeric,
    ADD COLUMN margin_at_market_low    numeric,
    ADD COLUMN margin_at_prime_low     numeric,
    ADD COLUMN min_viable_price        numeric,
    ADD COLUMN min_price_for_margin    numeric,
    ADD COLUMN recommended_price       numeric,
    ADD COLUMN recommendation_code     text  NOT NULL DEFAULT 'unknown',
    ADD COLUMN recommendation_reason   text  NOT NULL DEFAULT '',
    ADD COLUMN risk_flags              text[] NOT NULL DEFAULT '{}',
    ADD COLUMN unfollowable            jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN profit_at_stake_per_day numeric,
    ADD COLUMN daily_sales             numeric,
    ADD COLUMN own_channel             text,
    ADD COLUMN economics_unknown       text  DEFAULT 'not assessed yet',
    ADD COLUMN economics_at            timestamptz,
    ADD COLUMN low_points              jsonb NOT NULL DEFAULT '[]',
    ADD CONSTRAINT unknown_economics_say_nothing CHECK (
        economics_unknown IS NULL
        OR num_nonnulls(
               margin_at_current_price, margin_at_market_low, margin_at_prime_low,
               min_viable_price, min_price_for_margin, recommended_price, profit_at_stake_per_day
           ) = 0
           AND recommendation_code = 'unknown' AND unfollowable = '[]'
    ),
    ADD CONSTRAINT known_economics_say_all CHECK (
        economics_unknown IS NOT NULL
        OR num_nulls(economics_at, event_time) = 0
           AND (margin_at_current_price IS NULL) = (your_price IS NULL)
           AND (margin_at_market_low IS NULL) = (market_low IS NULL)
           AND (margin_at_prime_low IS NULL) = (prime_low IS NULL)
    ),
    ADD CONSTRAINT unknown_economics_have_a_reason CHECK (btrim(economics_unknown) <> ''),
    ADD CONSTRAINT nothing_recommended_loses_money
        CHECK (recommended_price >= min_viable_price),
    ADD CONSTRAINT a_price_is_recommended_where_one_works
        CHECK (recommended_price IS NULL OR min_viable_price IS NOT NULL),
    ADD CONSTRAINT wanted_margin_is_not_below_none
        CHECK (min_price_for_margin >= min_viable_price),
    ADD CONSTRAINT economic_prices_are_prices CHECK (
        min_viable_price > 0 AND min_price_for_margin > 0 AND recommended_price > 0
    ),
    ADD CONSTRAINT stakes_and_sales_are_not_negative
        CHECK (profit_at_stake_per_day >= 0 AND daily_sales >= 0),
    ADD CONSTRAINT risk_flags_are_known CHECK (
        risk_flags <@ ARRAY[
            'below-cost', 'margin-squeeze', 'race-to-bottom', 'dead-zone', 'map-breach'
        ]
    ),
    ADD CONSTRAINT own_channel_is_known CHECK (own_channel IN ('amazon', 'merchant'));
COMMENT ON COLUMN current_state.margin_at_current_price IS
    'Percent of net revenue, rounded down to a hundredth. NULL: the price is not known, or
economics_unknown says why';
COMMENT ON COLUMN current_state.min_viable_price IS
    'The lowest price that loses nothing. NULL where economics_unknown is: no price works';
COMMENT ON COLUMN current_state.unfollowable IS
    'Rivals too low to follow, the lowest first: [{"seller": ..., "landed": "10.50"}, ...]';
COMMENT ON COLUMN current_state.profit_at_stake_per_day IS
    'Profit of a day''s sales at the own price while somebody else is known to have the Buy Box';
COMMENT ON COLUMN current_state.own_channel IS 'Who sends the own offer, where the message tells';
COMMENT ON COLUMN current_state.economics_unknown IS
    'Why margins and prices are not known; NULL: they are. Unknown is never zero';
COMMENT ON COLUMN current_state.economics_at IS
    'The instant whose fees were used: the event''s, or that of a later assessment';
COMMENT ON COLUMN current_state.low_points IS
    'The newest lows, [time, low, seller]: what "race-to-bottom" is told from';

ALTER TABLE competitive_history
    ADD COLUMN margin_at_current_price numeric,
    ADD COLUMN margin_at_market_low    numeric,
    ADD COLUMN margin_at_prime_low     numeric,
    ADD COLUMN min_viable_price        numeric;
COMMENT ON COLUMN competitive_history.margin_at_current_price IS
    'With the fees in force at event_time and the costs known when it was recorded';
"""

REASSESSMENTS = """
CREATE TABLE fee_book (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version    bigint      NOT NULL DEFAULT 1,
    days_until timestamptz
);
COMMENT ON TABLE fee_book IS
    'One row. A process keeps all fee rules and terms in memory while `version` stands. Every
change of them counts it up, one after the other, because the row is locked until it commits.';
COMMENT ON COLUMN fee_book.days_until IS
    'Up to here, fees and terms that begin or end at a midnight have been assessed anew';
INSERT INTO fee_book DEFAULT VALUES;

CREATE TABLE reassessments (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    marketplace_ids text[],
    asins           text[],
    marketplace_id  text,
    seller_id       text,
    done_up_to      text        NOT NULL DEFAULT '',
    settled         boolean     NOT NULL DEFAULT false,
    due_at          timestamptz NOT NULL DEFAULT '-infinity',
    asked_at        timestamptz NOT NULL DEFAULT now(),
    asked_in        xid8        NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT either_some_products_or_a_marketplace CHECK (
        num_nulls(marketplace_ids, asins) = 0 AND num_nonnulls(marketplace_id, seller_id) = 0
            AND cardinality(marketplace_ids) = cardinality(asins)
        OR num_nonnulls(marketplace_ids, asins) = 0 AND marketplace_id IS NOT NULL
    )
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE reassessments IS
    'States whose costs or fees changed and which nobody has looked at since. A row is some products
together, or those of a marketplace (of one seller, where it is named) that have costs, by ASIN. It
is deleted in the transaction that wrote the last of its states.';
COMMENT ON COLUMN reassessments.done_up_to IS 'Of a marketplace: the last ASIN that is done';
COMMENT ON COLUMN reassessments.settled IS
    'Every analysis that could have missed the change has ended';
COMMENT ON COLUMN reassessments.due_at IS 'Later than now after it failed';

CREATE FUNCTION buybox_products_changed()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    _first boolean := NOT EXISTS (
        SELECT FROM public.reassessments WHERE asked_in = pg_current_xact_id()
    );
BEGIN
    INSERT INTO public.reassessments (marketplace_ids, asins)
    SELECT array_agg(c.marketplace_id), array_agg(c.asin)
    FROM (
        SELECT d.*, (row_number() OVER (ORDER BY d.marketplace_id, d.asin) - 1) / 200 AS part
        FROM (SELECT DISTINCT marketplace_id, asin FROM changed) AS d
    ) AS c
    GROUP BY c.part
    ORDER BY c.part;
    IF FOUND AND _first THEN
        PERFORM buybox_defer_reassessment();
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION buybox_products_changed IS
    'Whatever changes products has their states assessed anew: some hundred a row, one job in all.';

CREATE TRIGGER products_inserted AFTER INSERT ON products
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION buybox_products_changed();
CREATE TRIGGER products_updated AFTER UPDATE ON products
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION buybox_products_changed();
CREATE TRIGGER products_deleted AFTER DELETE ON products
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION buybox_products_changed();

CREATE FUNCTION buybox_fees_changed()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    _first boolean := NOT EXISTS (
        SELECT FROM public.reassessments WHERE asked_in = pg_current_xact_id()
    );
BEGIN
    INSERT INTO public.reassessments (marketplace_id, seller_id)
    SELECT DISTINCT c.marketplace_id, c.seller_id
    FROM changed AS c
    WHERE NOT EXISTS (
        SELECT FROM public.reassessments AS r
        WHERE r.asked_in = pg_current_xact_id() AND NOT r.settled
          AND r.marketplace_id = c.marketplace_id
          AND (r.seller_id IS NULL OR r.seller_id = c.seller_id)
    );
    IF EXISTS (SELECT FROM changed) THEN
        UPDATE public.fee_book SET version = version + 1;
        IF _first THEN
            PERFORM buybox_defer_reassessment();
        END IF;
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION buybox_fees_changed IS
    'Whatever changes fees or terms begins a new version of the book and has the products of the
marketplaces concerned assessed anew. An update counts twice: what it was and what it is.';
"""

# A row that an update moves to another marketplace concerns the one it left, too.
FEE_TRIGGERS = """
CREATE TRIGGER {table}_inserted AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION buybox_fees_changed();
CREATE TRIGGER {table}_updated AFTER UPDATE ON {table}
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION buybox_fees_changed();
CREATE TRIGGER {table}_updated_from AFTER UPDATE ON {table}
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION buybox_fees_changed();
CREATE TRIGGER {table}_deleted AFTER DELETE ON {table}
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION buybox_fees_changed();
"""

# For costs that are there already. The workers look every minute, so no job is needed.
CATCH_UP = """
INSERT INTO reassessments (marketplace_id) SELECT DISTINCT marketplace_id FROM products;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    connection = op.get_bind()
    parts = [STATE, REASSESSMENTS]
    parts += [FEE_TRIGGERS.format(table=table) for table in ("fee_rules", "seller_terms")]
    for part in (*parts, CATCH_UP):
        connection.exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
