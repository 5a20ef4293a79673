"""History and states hold only words, numbers and times that a program can read.

Revision: 0020
Revises: 0019
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# Postgres can hold times that no program can read. An alert snoozed until 'infinity' by hand made
# every analysis of its product fail, and one due at '-infinity' every tick, so that time changed no
# alert; a token until 'infinity' made the list of tokens fail, and every request that came with it.
TIMES = {
    "current_state": (
        "event_time", "publish_time", "last_own_price_at", "last_own_publish_time",
        "your_price_changed_at", "winner_seen_at", "health_at", "doubt_since", "economics_at",
    ),
    "alerts": (
        "resolved_at", "acknowledged_at", "snooze_until", "looked_at", "first_seen", "last_seen",
        "last_event_time", "below_critical_since", "below_high_since", "below_warning_since",
        "unknown_since", "still_true_since", "delivered_at", "last_told_at", "waiting_since",
        "timeout_from", "due_at", "unstable_since", "story_told_at",
    ),
    "alert_events": ("at",),
    "alert_queues": ("scheduled_at", "snooze_until", "created_at"),
    "alert_deliveries": ("due_at", "created_at"),
    "api_tokens": ("created_at", "expires_at", "revoked_at", "last_used_at"),
    "fee_book": ("days_until",),
}  # fmt: skip
FIRST, LAST = "'0001-01-01 00:00:00+00'", "'9999-12-31 23:59:59.999999+00'"

# "Open" is NULL. Any other unreadable time becomes now(): such a snooze ends, such an alert is
# looked at. This comes before any table is locked, since it looks through whole tables.
OPEN = f"""
UPDATE api_tokens SET expires_at = NULL WHERE expires_at > {LAST} AND issued_from IS NULL;
"""
MENDED_TIMES = f"""
UPDATE {{table}} SET {{mended}}
WHERE LEAST({{columns}}) < {FIRST} OR GREATEST({{columns}}) > {LAST};
"""
MENDED_TIME = f"{{0}} = CASE WHEN {{0}} NOT BETWEEN {FIRST} AND {LAST} THEN now() ELSE {{0}} END"

# What is no price or no number becomes "not known" in a state. The next message would mend it, but
# until then each write of the row, a new feed epoch's too, would be refused.
NUMBERS = """
    your_price, market_low, competitor_low, prime_low, buy_box_price, last_own_price,
    min_viable_price, min_price_for_margin, recommended_price, profit_at_stake_per_day,
    daily_sales"""
SHARES = "gap_pct, margin_at_current_price, margin_at_market_low, margin_at_prime_low"
MENDED_STATES = f"""
UPDATE current_state
SET last_own_price = NULL, last_own_price_at = NULL, last_own_publish_time = NULL,
    last_own_event_key = NULL, version = version + 1, changed_in = pg_current_xact_id()
WHERE last_own_price <= 0 OR last_own_price >= 'Infinity';
UPDATE current_state
SET buy_box_price = NULL, version = version + 1, changed_in = pg_current_xact_id()
WHERE buy_box_price <= 0 OR buy_box_price >= 'Infinity';
UPDATE current_state
SET severity = 'info', severity_reasons = '{{a price in it was no number}}', your_price = NULL,
    own_price_unknown = 'invalid-price', market_low = NULL, competitor_low = NULL, prime_low = NULL,
    your_position = NULL, gap_pct = NULL, margin_at_current_price = NULL,
    margin_at_market_low = NULL, margin_at_prime_low = NULL, min_viable_price = NULL,
    min_price_for_margin = NULL, recommended_price = NULL, profit_at_stake_per_day = NULL,
    daily_sales = NULL, recommendation_code = 'unknown', recommendation_reason = '',
    unfollowable = '[]', economics_unknown = 'not assessed yet', economics_at = NULL,
    version = version + 1, changed_in = pg_current_xact_id()
WHERE GREATEST({NUMBERS}, {SHARES}) >= 'Infinity' OR LEAST({SHARES}) = '-Infinity';
UPDATE current_state SET severity_policy = 'full' WHERE severity_policy NOT IN ('full', 'mvp');
UPDATE alerts SET profit_at_stake_per_day = NULL
WHERE profit_at_stake_per_day < 0 OR profit_at_stake_per_day >= 'Infinity';
"""

# History without a partition of its own moves to its week as soon as there is one
# (buybox_ensure_partitions), which would refuse such a row, and with it the migration.
PRICES = "your_price, market_low, competitor_low, prime_low, buy_box_price, min_viable_price"
NET = f"""
UPDATE competitive_history_default
SET severity = CASE WHEN severity IN ('critical', 'high', 'warning', 'success') THEN severity
                    ELSE 'info' END,
    audience = CASE audience WHEN 'business' THEN audience ELSE 'consumer' END,
    severity_policy = CASE severity_policy WHEN 'mvp' THEN severity_policy ELSE 'full' END,
    {{forgotten}}
WHERE severity NOT IN ('critical', 'high', 'warning', 'success', 'info')
   OR audience NOT IN ('consumer', 'business') OR severity_policy NOT IN ('full', 'mvp')
   OR LEAST({PRICES}) <= 0 OR GREATEST({PRICES}, {SHARES}) >= 'Infinity'
   OR LEAST({SHARES}) = '-Infinity'
   OR (kind <> 'market' OR outcome = 'rejected') AND num_nonnulls({PRICES}) > 0;
""".format(forgotten=", ".join(f"{name} = NULL" for name in f"{PRICES}, {SHARES}".split(", ")))

# A route with an empty filter took nothing. It takes nothing now either, and says so.
ROUTES = """
UPDATE alert_routes
SET enabled = false,
    trouble = 'a filter of it was empty, so it took nothing; it is off: remove it and add it again',
    reaches = CASE reaches WHEN '{}' THEN '{immediate,batch}' ELSE reaches END,
    severities = NULLIF(severities, '{}'),
    marketplaces = NULLIF(marketplaces, '{}'),
    tags = NULLIF(tags, '{}')
WHERE '{}' IN (reaches, severities, marketplaces, tags);
ALTER TABLE alert_routes
    ADD CONSTRAINT no_filter_is_empty CHECK (
        cardinality(reaches) > 0 AND cardinality(severities) > 0
        AND cardinality(marketplaces) > 0 AND cardinality(tags) > 0
    );
"""

# NOT VALID, here and below: checking all rows would take long where there are many, while nobody
# may read or write the table. What is written from now on is checked. Earlier history stays as it
# is; the partitions of weeks to come get the constraints as they are made
# (buybox_ensure_partitions). To Postgres NaN is greater than any number, so "less than Infinity"
# refuses it as well.
HISTORY = f"""
ALTER TABLE competitive_history
    ADD CONSTRAINT severity_is_known
        CHECK (severity IN ('critical', 'high', 'warning', 'success', 'info')) NOT VALID,
    ADD CONSTRAINT audience_is_known CHECK (audience IN ('consumer', 'business')) NOT VALID,
    ADD CONSTRAINT policy_is_known CHECK (severity_policy IN ('full', 'mvp')) NOT VALID,
    ADD CONSTRAINT prices_are_prices
        CHECK (LEAST({PRICES}) > 0 AND GREATEST({PRICES}) < 'Infinity') NOT VALID,
    ADD CONSTRAINT shares_are_numbers
        CHECK (LEAST({SHARES}) > '-Infinity' AND GREATEST({SHARES}) < 'Infinity') NOT VALID,
    ADD CONSTRAINT only_a_market_that_is_believed_has_prices CHECK (
        kind = 'market' AND outcome <> 'rejected'
        OR num_nonnulls({PRICES}) = 0
    ) NOT VALID;
"""

STATES = f"""
ALTER TABLE current_state
    ADD CONSTRAINT policy_is_known CHECK (severity_policy IN ('full', 'mvp')) NOT VALID,
    ADD CONSTRAINT seen_prices_are_prices
        CHECK (buy_box_price > 0 AND last_own_price > 0) NOT VALID,
    ADD CONSTRAINT amounts_are_finite CHECK (
        GREATEST({NUMBERS}, {SHARES}) < 'Infinity' AND LEAST({SHARES}) > '-Infinity'
    ) NOT VALID;
ALTER TABLE alerts
    ADD CONSTRAINT a_stake_is_an_amount
        CHECK (profit_at_stake_per_day >= 0 AND profit_at_stake_per_day < 'Infinity') NOT VALID;
"""

READABLE_TIMES = f"""
ALTER TABLE {{table}}
    ADD CONSTRAINT times_are_of_the_calendar CHECK (
        LEAST({{columns}}) >= {FIRST} AND GREATEST({{columns}}) <= {LAST}
    ) NOT VALID;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    connection = op.get_bind()
    for part in (OPEN, *map(_mended, TIMES), MENDED_STATES, NET, ROUTES, HISTORY, STATES):
        connection.exec_driver_sql(part)
    for table, columns in TIMES.items():
        connection.exec_driver_sql(READABLE_TIMES.format(table=table, columns=", ".join(columns)))


def _mended(table: str) -> str:
    return MENDED_TIMES.format(
        table=table,
        columns=", ".join(TIMES[table]),
        mended=", ".join(map(MENDED_TIME.format, TIMES[table])),
    )


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
