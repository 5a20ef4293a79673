"""The product: competitive state, its history, the feed's epoch, heartbeats and counters.

Revision: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATE = """
CREATE TABLE current_state (
    marketplace_id        text        NOT NULL,
    asin                  text        NOT NULL,
    item_condition        text        NOT NULL,
    audience              text        NOT NULL,
    seller_id             text        NOT NULL,
    severity              text        NOT NULL,
    currency              text,
    your_price            numeric,
    own_price_unknown     text,
    market_low            numeric,
    competitor_low        numeric,
    prime_low             numeric,
    your_position         integer,
    total_offers          integer,
    gap_pct               numeric,
    buy_box_winner        boolean,
    has_buy_box           boolean,
    buy_box_price         numeric,
    buy_box_sellers       text[]      NOT NULL DEFAULT '{}',
    flags                 text[]      NOT NULL DEFAULT '{}',
    severity_policy       text        NOT NULL,
    severity_reasons      text[]      NOT NULL,
    event_time            timestamptz,
    publish_time          timestamptz,
    event_key             text,
    notification_row_id   bigint,
    last_own_price        numeric,
    last_own_price_at     timestamptz,
    your_price_changed_at timestamptz,
    winner_seen_at        timestamptz,
    health_issue          text,
    health_at             timestamptz,
    health_event_key      text,
    health                jsonb,
    doubt_reason          text,
    doubt_since           timestamptz,
    trace_id              text        NOT NULL,
    worker_id             text        NOT NULL,
    updated_at            timestamptz NOT NULL,
    version               bigint      NOT NULL,
    changed_in            xid8        NOT NULL DEFAULT pg_current_xact_id(),

    PRIMARY KEY (marketplace_id, asin, item_condition, audience, seller_id),
    CONSTRAINT severity_is_known
        CHECK (severity IN ('critical', 'high', 'warning', 'success', 'info')),
    CONSTRAINT audience_is_known CHECK (audience IN ('consumer', 'business')),
    CONSTRAINT prices_are_prices CHECK (
        your_price > 0 AND market_low > 0 AND competitor_low > 0 AND prime_low > 0
    ),
    CONSTRAINT prices_have_a_currency CHECK (
        currency IS NOT NULL OR COALESCE(your_price, market_low, buy_box_price) IS NULL
    ),
    CONSTRAINT unknown_own_price_has_a_reason CHECK (
        event_time IS NULL OR (your_price IS NULL) = (own_price_unknown IS NOT NULL)
    ),
    CONSTRAINT unknown_own_offer_is_info CHECK (your_price IS NOT NULL OR severity = 'info'),
    CONSTRAINT position_needs_an_own_price CHECK (your_price IS NOT NULL OR your_position IS NULL),
    CONSTRAINT health_is_whole CHECK (num_nulls(health_issue, health_at, health) IN (0, 3)),
    CONSTRAINT version_counts_from_one CHECK (version >= 1)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0
);
COMMENT ON TABLE current_state IS
    'What is so now: one row per seller, marketplace, ASIN, item condition and audience. Prices are
landed, NULL is "not known" and never zero. Written by T2 only, guarded by event time and version.';
COMMENT ON COLUMN current_state.changed_in IS
    'The transaction that last changed the row: the feed delivers what a cursor has not seen';
COMMENT ON COLUMN current_state.version IS
    'Counts the changes; T2 writes only over the version it has read, so a worker that lost its lock
cannot overwrite newer state';
COMMENT ON COLUMN current_state.doubt_since IS
    'Time of a newer message whose prices could not be believed: the market has moved on';
CREATE INDEX current_state_changed_in ON current_state (changed_in);
COMMENT ON INDEX current_state_changed_in IS 'The feed: a range scan from the cursor''s xmin';
"""

HISTORY = """
CREATE TABLE competitive_history (
    notification_row_id bigint      NOT NULL,
    recorded_at         timestamptz NOT NULL,
    event_time          timestamptz NOT NULL,
    seller_id           text        NOT NULL,
    marketplace_id      text        NOT NULL,
    asin                text        NOT NULL,
    item_condition      text        NOT NULL,
    audience            text        NOT NULL,
    kind                text        NOT NULL,
    outcome             text        NOT NULL,
    severity            text        NOT NULL,
    severity_policy     text        NOT NULL,
    severity_reasons    text[]      NOT NULL,
    currency            text,
    your_price          numeric,
    own_price_unknown   text,
    market_low          numeric,
    competitor_low      numeric,
    prime_low           numeric,
    your_position       integer,
    total_offers        integer,
    gap_pct             numeric,
    buy_box_winner      boolean,
    has_buy_box         boolean,
    buy_box_price       numeric,
    buy_box_sellers     text[],
    flags               text[]      NOT NULL DEFAULT '{}',
    PRIMARY KEY (notification_row_id, recorded_at),
    CONSTRAINT kind_is_known CHECK (kind IN ('market', 'health')),
    CONSTRAINT outcome_is_known CHECK (outcome IN ('applied', 'late', 'rejected'))
) PARTITION BY RANGE (recorded_at);
COMMENT ON TABLE competitive_history IS
    'One row per analysed notification: what that message alone said, late ones too. A partition a
week of recorded_at; ask with "recorded_at >= ..." beside event_time and old partitions are skipped
(an event is never recorded before it happened).';
CREATE INDEX competitive_history_product ON competitive_history (marketplace_id, asin, event_time);
COMMENT ON INDEX competitive_history_product IS 'The course of one product, by event time';
CREATE TABLE competitive_history_default PARTITION OF competitive_history DEFAULT;
COMMENT ON TABLE competitive_history_default IS
    'A net, expected empty: rows land here only if nobody made partitions for eight weeks';
"""

HOUSEKEEPING = """
CREATE TABLE feed_epoch (
    only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch             text        NOT NULL,
    system_identifier bigint      NOT NULL,
    started_at        timestamptz NOT NULL
);
COMMENT ON TABLE feed_epoch IS
    'Cursors hold transaction ids, which mean nothing in another cluster: after a restore elsewhere
db.migrate begins a new epoch and every cursor is told to start again.';

CREATE TABLE worker_heartbeats (
    worker_id  text PRIMARY KEY,
    role       text        NOT NULL,
    started_at timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL,
    state      text        NOT NULL,
    details    jsonb       NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);
COMMENT ON TABLE worker_heartbeats IS
    'Signs of life of the ingesters, with what they see: gates, counts, depth of the SQS queues';

CREATE TABLE worker_counters (
    name       text PRIMARY KEY,
    value      bigint      NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL
);
COMMENT ON TABLE worker_counters IS
    'Things that should not happen, counted: swept_products is expected to stay 0';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    connection = op.get_bind()
    for part in (STATE, HISTORY, HOUSEKEEPING):
        connection.exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
