"""The seller's economics: costs of products, the fee schedule, the seller's own terms.

Periods are half-open, [valid_from, valid_to). That two of them never overlap is an exclusion
constraint, which needs the equality of texts and numbers in a GiST index: `btree_gist`. It ships
with Postgres, is trusted since version 13 (the owner of a database may create it without being
superuser) and is on Render's list; a trigger would have to lock by hand to be as safe against two
writers at once.

Revision: 0005
Revises: 0004
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MONEY = """
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE FUNCTION buybox_is_money(p_amount numeric, p_currency text)
    RETURNS boolean
    LANGUAGE sql
    IMMUTABLE
    PARALLEL SAFE
    RETURN p_amount >= 0 AND p_amount < 10000000000
       AND scale(trim_scale(p_amount)) <= CASE p_currency WHEN 'JPY' THEN 0 ELSE 2 END;
COMMENT ON FUNCTION buybox_is_money IS
    'An amount that can be paid in this currency: not negative, finite, no more decimals than that
has. Part of constraints: a change needs a migration that validates them anew.';
"""

PRODUCTS = """
CREATE TABLE products (
    seller_id             text        NOT NULL,
    marketplace_id        text        NOT NULL,
    asin                  text        NOT NULL,
    item_condition        text        NOT NULL,
    fulfilment_channel    text        NOT NULL,
    sku                   text        NOT NULL DEFAULT '',
    currency              char(3)     NOT NULL,
    title                 text,
    unit_cost             numeric,
    inbound_postage       numeric,
    own_postage           numeric,
    prep                  numeric,
    category              text,
    weight_g              integer,
    size_tier             text,
    sale_vat_rate         numeric,
    min_price             numeric,
    max_price             numeric,
    estimated_daily_sales numeric,
    tags                  text[]      NOT NULL DEFAULT '{}',
    updated_at            timestamptz NOT NULL,
    changed_in            xid8        NOT NULL DEFAULT pg_current_xact_id(),

    PRIMARY KEY (marketplace_id, asin, item_condition, seller_id, fulfilment_channel, sku),
    CONSTRAINT key_is_written
        CHECK (btrim(seller_id) <> '' AND btrim(marketplace_id) <> '' AND btrim(sku) = sku),
    CONSTRAINT asin_is_an_asin CHECK (asin ~ '^[A-Z0-9]{10}$'),
    CONSTRAINT item_condition_is_known
        CHECK (item_condition IN ('new', 'used', 'collectible', 'refurbished', 'club')),
    CONSTRAINT fulfilment_channel_is_known CHECK (fulfilment_channel IN ('amazon', 'merchant')),
    CONSTRAINT currency_is_a_code CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT costs_are_money CHECK (
        buybox_is_money(unit_cost, currency) AND buybox_is_money(inbound_postage, currency)
        AND buybox_is_money(own_postage, currency) AND buybox_is_money(prep, currency)
    ),
    CONSTRAINT price_limits_are_prices CHECK (
        buybox_is_money(min_price, currency) AND buybox_is_money(max_price, currency)
        AND min_price > 0 AND max_price > 0
    ),
    CONSTRAINT min_price_is_not_above_max_price CHECK (min_price <= max_price),
    CONSTRAINT weight_is_positive CHECK (weight_g > 0),
    CONSTRAINT sale_vat_rate_is_a_fraction CHECK (sale_vat_rate >= 0 AND sale_vat_rate < 1),
    CONSTRAINT sales_are_a_number
        CHECK (estimated_daily_sales >= 0 AND estimated_daily_sales <= 1000000),
    CONSTRAINT names_are_slugs CHECK (
        category ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND size_tier ~ '^[a-z0-9]+(-[a-z0-9]+)*$'
    ),
    CONSTRAINT texts_are_short CHECK (
        octet_length(seller_id) <= 64 AND octet_length(marketplace_id) <= 64
        AND char_length(sku) <= 100 AND char_length(title) <= 500
        AND char_length(category) <= 100 AND char_length(size_tier) <= 100
        AND cardinality(tags) <= 50
    ),
    CONSTRAINT tags_are_written CHECK (
        array_position(tags, NULL) IS NULL AND array_position(tags, '') IS NULL
    )
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
COMMENT ON TABLE products IS
    'What a seller says of its products: costs, limits, sales. Money is in `currency`, which is the
marketplace''s; NULL is "not known" and never zero. Imports write only where something changed.';
COMMENT ON COLUMN products.item_condition IS 'The values of current_state.item_condition';
COMMENT ON COLUMN products.sku IS 'The empty text is "none"';
COMMENT ON COLUMN products.unit_cost IS 'Cost of one unit, net of the VAT the seller recovers';
COMMENT ON COLUMN products.sale_vat_rate IS 'A fraction: 0.20 is a fifth';
COMMENT ON COLUMN products.changed_in IS
    'The transaction that last changed the row: whoever re-assesses reads what it has not seen';
CREATE INDEX products_by_seller ON products (seller_id, marketplace_id);
COMMENT ON INDEX products_by_seller IS 'One seller''s catalogue: the export';
CREATE INDEX products_changed_in ON products (changed_in);
COMMENT ON INDEX products_changed_in IS 'What changed since: a range scan from the cursor''s xmin';
"""

FEE_RULES = """
CREATE TABLE fee_rules (
    rule_id            text        NOT NULL,
    marketplace_id     text        NOT NULL,
    seller_id          text,
    kind               text        NOT NULL,
    category           text,
    size_tier          text,
    weight_up_to_g     integer,
    fulfilment_channel text,
    shape              text,
    price_up_to        numeric,
    rate               numeric,
    amount             numeric,
    minimum            numeric,
    applies_to         text[]      NOT NULL DEFAULT '{}',
    currency           char(3)     NOT NULL,
    valid_from         date        NOT NULL,
    valid_to           date,
    source             text        NOT NULL,
    source_date        date        NOT NULL,
    note               text        NOT NULL DEFAULT '',
    updated_at         timestamptz NOT NULL,
    changed_in         xid8        NOT NULL DEFAULT pg_current_xact_id(),

    CONSTRAINT fee_rules_rule_id_key UNIQUE NULLS NOT DISTINCT (seller_id, rule_id),
    CONSTRAINT kind_is_known CHECK (
        kind IN ('referral', 'fulfilment', 'closing', 'digital-services', 'vat-on-fees')
    ),
    CONSTRAINT referral_is_a_rate_of_a_category CHECK (
        kind <> 'referral'
        OR num_nulls(category, shape, rate) = 0
           AND num_nonnulls(size_tier, weight_up_to_g, amount) = 0
    ),
    CONSTRAINT fulfilment_is_an_amount_of_a_size_tier CHECK (
        kind <> 'fulfilment'
        OR num_nulls(size_tier, amount) = 0
           AND fulfilment_channel IS NOT DISTINCT FROM 'amazon'
           AND num_nonnulls(shape, rate, minimum) = 0
    ),
    CONSTRAINT closing_is_an_amount_of_a_category CHECK (
        kind <> 'closing'
        OR num_nulls(category, amount) = 0
           AND num_nonnulls(size_tier, weight_up_to_g, shape, price_up_to, rate, minimum) = 0
    ),
    CONSTRAINT digital_services_is_a_rate_of_fees CHECK (
        kind <> 'digital-services'
        OR rate IS NOT NULL
           AND cardinality(applies_to) > 0
           AND applies_to <@ ARRAY['referral', 'fulfilment', 'closing']
           AND num_nonnulls(
               category, size_tier, weight_up_to_g, shape, price_up_to, amount, minimum
           ) = 0
    ),
    CONSTRAINT vat_on_fees_is_a_rate CHECK (
        kind <> 'vat-on-fees'
        OR rate IS NOT NULL
           AND num_nonnulls(
               category, size_tier, weight_up_to_g, shape, price_up_to, amount, minimum
           ) = 0
    ),
    CONSTRAINT only_digital_services_apply_to_fees
        CHECK (kind = 'digital-services' OR applies_to = '{}'),
    CONSTRAINT fulfilment_channel_is_known CHECK (fulfilment_channel IN ('amazon', 'merchant')),
    CONSTRAINT shape_is_known CHECK (shape IN ('flat', 'whole-price', 'marginal')),
    CONSTRAINT flat_has_no_tiers CHECK (shape <> 'flat' OR price_up_to IS NULL),
    CONSTRAINT rate_is_a_fraction CHECK (rate >= 0 AND rate < 1),
    CONSTRAINT amounts_are_money CHECK (
        buybox_is_money(amount, currency) AND buybox_is_money(minimum, currency)
        AND buybox_is_money(price_up_to, currency) AND price_up_to > 0
    ),
    CONSTRAINT weight_is_positive CHECK (weight_up_to_g > 0),
    CONSTRAINT currency_is_a_code CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT period_is_not_empty CHECK (valid_to > valid_from),
    CONSTRAINT names_are_slugs CHECK (
        rule_id ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND category ~ '^[a-z0-9]+(-[a-z0-9]+)*$'
        AND size_tier ~ '^[a-z0-9]+(-[a-z0-9]+)*$'
    ),
    CONSTRAINT scope_is_written CHECK (btrim(marketplace_id) <> '' AND btrim(seller_id) <> ''),
    CONSTRAINT source_is_named CHECK (btrim(source) <> ''),
    CONSTRAINT texts_are_short CHECK (
        char_length(rule_id) <= 100 AND char_length(category) <= 100
        AND char_length(size_tier) <= 100 AND octet_length(marketplace_id) <= 64
        AND octet_length(seller_id) <= 64 AND char_length(source) <= 500
        AND char_length(note) <= 500
    ),

    -- Deferrable, so that one statement may close a rule and begin its successor in either order.
    CONSTRAINT one_rule_at_a_time EXCLUDE USING gist (
        marketplace_id                    WITH =,
        kind                              WITH =,
        (COALESCE(seller_id, ''))          WITH =,
        (COALESCE(category, ''))           WITH =,
        (COALESCE(size_tier, ''))          WITH =,
        (COALESCE(weight_up_to_g, 0))      WITH =,
        (COALESCE(fulfilment_channel, '')) WITH =,
        (COALESCE(price_up_to, 0))         WITH =,
        (daterange(valid_from, valid_to))  WITH &&
    ) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT tiers_of_a_schedule_have_one_shape EXCLUDE USING gist (
        marketplace_id                    WITH =,
        (COALESCE(seller_id, ''))          WITH =,
        (COALESCE(category, ''))           WITH =,
        (COALESCE(fulfilment_channel, '')) WITH =,
        shape                             WITH <>,
        (daterange(valid_from, valid_to))  WITH &&
    ) WHERE (kind = 'referral') DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT a_marketplace_has_one_currency EXCLUDE USING gist (
        marketplace_id WITH =, currency WITH <>
    ) DEFERRABLE INITIALLY IMMEDIATE
);
COMMENT ON TABLE fee_rules IS
    'Amazon''s fees, a row a rule (a tiered schedule is several), each with its period in the
marketplace''s own calendar and its public source. No row means "not known", never zero and never a
usual rate; what does not exist is a row of zero.';
COMMENT ON COLUMN fee_rules.seller_id IS
    'NULL: for everybody. A seller''s own rows take the place of the general ones of that kind';
COMMENT ON COLUMN fee_rules.rate IS 'A fraction: 0.15, not 15';
COMMENT ON COLUMN fee_rules.price_up_to IS
    'Upper end of the tier, inclusive, on all that the buyer pays; NULL: no upper end. The lower end
is the next lower row''s upper end, exclusive';
COMMENT ON COLUMN fee_rules.valid_to IS 'The first day on which it no longer holds; NULL: open';
CREATE INDEX fee_rules_in_force ON fee_rules (marketplace_id, valid_from);
COMMENT ON INDEX fee_rules_in_force IS 'The schedule of some marketplaces on some days';
"""

SELLER_TERMS = """
CREATE TABLE seller_terms (
    seller_id           text        NOT NULL,
    marketplace_id      text        NOT NULL,
    valid_from          date        NOT NULL,
    valid_to            date,
    vat_registered      boolean     NOT NULL,
    fee_vat_recoverable numeric     NOT NULL,
    wanted_margin       numeric     NOT NULL DEFAULT 0,
    updated_at          timestamptz NOT NULL,
    changed_in          xid8        NOT NULL DEFAULT pg_current_xact_id(),

    PRIMARY KEY (seller_id, marketplace_id, valid_from),
    CONSTRAINT scope_is_written CHECK (
        btrim(marketplace_id) <> '' AND btrim(seller_id) <> ''
        AND octet_length(marketplace_id) <= 64 AND octet_length(seller_id) <= 64
    ),
    CONSTRAINT recoverable_is_a_share
        CHECK (fee_vat_recoverable >= 0 AND fee_vat_recoverable <= 1),
    CONSTRAINT unregistered_recovers_nothing CHECK (vat_registered OR fee_vat_recoverable = 0),
    CONSTRAINT wanted_margin_is_a_fraction CHECK (wanted_margin >= 0 AND wanted_margin < 1),
    CONSTRAINT period_is_not_empty CHECK (valid_to > valid_from),
    CONSTRAINT one_set_of_terms_at_a_time EXCLUDE USING gist (
        seller_id                        WITH =,
        marketplace_id                   WITH =,
        (daterange(valid_from, valid_to)) WITH &&
    ) DEFERRABLE INITIALLY IMMEDIATE
);
COMMENT ON TABLE seller_terms IS
    'How a seller stands to VAT in a marketplace, and the margin it wants, by period. No row means
"not known".';
COMMENT ON COLUMN seller_terms.vat_registered IS
    'false: the seller owes no VAT on its sales, whatever the product''s rate';
COMMENT ON COLUMN seller_terms.fee_vat_recoverable IS
    'The share of the VAT on Amazon''s fees that the seller gets back: 1 on the standard scheme';
COMMENT ON COLUMN seller_terms.wanted_margin IS 'A fraction of net revenue';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    connection = op.get_bind()
    for part in (MONEY, PRODUCTS, FEE_RULES, SELLER_TERMS):
        connection.exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
