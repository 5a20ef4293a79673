-- T2: writes the states decided on. Two guards stand in the WHERE, both expected to hold: the
-- stored row is the very version that was read (a worker that lost its lock cannot overwrite), and
-- event time never goes back (ties are broken by code point, as in Python, whatever the database's
-- collation: if the two disagreed, the product would be stuck). The caller compares the number of
-- rows returned with the number sent. What is at its default was not sent.
INSERT INTO current_state (
    marketplace_id, asin, item_condition, audience, seller_id, severity, currency, your_price,
    own_price_unknown, market_low, competitor_low, prime_low, your_position, total_offers,
    gap_pct, buy_box_winner, has_buy_box, buy_box_price, buy_box_sellers, flags, severity_policy,
    severity_reasons, event_time, publish_time, event_key, notification_row_id, last_own_price,
    last_own_price_at, last_own_publish_time, last_own_event_key, your_price_changed_at,
    winner_seen_at, health_issue, health_at, health_event_key, health, doubt_reason, doubt_since,
    margin_at_current_price, margin_at_market_low, margin_at_prime_low, min_viable_price,
    min_price_for_margin, recommended_price, recommendation_code, recommendation_reason, risk_flags,
    unfollowable, profit_at_stake_per_day, daily_sales, own_channel, economics_unknown,
    economics_at, low_points, trace_id, version, worker_id, updated_at
)
SELECT s.marketplace_id, s.asin, s.item_condition, s.audience, s.seller_id, s.severity,
       s.currency, s.your_price, s.own_price_unknown, s.market_low, s.competitor_low,
       s.prime_low, s.your_position, s.total_offers, s.gap_pct, s.buy_box_winner, s.has_buy_box,
       s.buy_box_price, COALESCE(s.buy_box_sellers, '{}'), COALESCE(s.flags, '{}'),
       s.severity_policy, s.severity_reasons, s.event_time, s.publish_time, s.event_key,
       s.notification_row_id, s.last_own_price, s.last_own_price_at, s.last_own_publish_time,
       s.last_own_event_key, s.your_price_changed_at, s.winner_seen_at, s.health_issue, s.health_at,
       s.health_event_key, s.health, s.doubt_reason, s.doubt_since, s.margin_at_current_price,
       s.margin_at_market_low, s.margin_at_prime_low, s.min_viable_price,
       s.min_price_for_margin, s.recommended_price,
       COALESCE(s.recommendation_code, 'unknown'), COALESCE(s.recommendation_reason, ''),
       COALESCE(s.risk_flags, '{}'), COALESCE(s.unfollowable, '[]'), s.profit_at_stake_per_day,
       s.daily_sales, s.own_channel, s.economics_unknown, s.economics_at,
       COALESCE(s.low_points, '[]'), s.trace_id, s.version, %(worker_id)s::text,
       %(now)s::timestamptz
FROM json_to_recordset(%(rows)s::json) AS s (
    marketplace_id text, asin text, item_condition text, audience text, seller_id text,
    severity text, currency text, your_price numeric, own_price_unknown text, market_low numeric,
    competitor_low numeric, prime_low numeric, your_position integer, total_offers integer,
    gap_pct numeric, buy_box_winner boolean, has_buy_box boolean, buy_box_price numeric,
    buy_box_sellers text[], flags text[], severity_policy text, severity_reasons text[],
    event_time timestamptz, publish_time timestamptz, event_key text, notification_row_id bigint,
    last_own_price numeric, last_own_price_at timestamptz, last_own_publish_time timestamptz,
    last_own_event_key text, your_price_changed_at timestamptz, winner_seen_at timestamptz,
    health_issue text, health_at timestamptz, health_event_key text, health jsonb,
    doubt_reason text, doubt_since timestamptz, margin_at_current_price numeric,
    margin_at_market_low numeric, margin_at_prime_low numeric, min_viable_price numeric,
    min_price_for_margin numeric, recommended_price numeric, recommendation_code text,
    recommendation_reason text, risk_flags text[], unfollowable jsonb,
    profit_at_stake_per_day numeric, daily_sales numeric, own_channel text, economics_unknown text,
    economics_at timestamptz, low_points jsonb, trace_id text, version bigint
)
ORDER BY s.marketplace_id, s.asin, s.item_condition, s.audience, s.seller_id
ON CONFLICT (marketplace_id, asin, item_condition, audience, seller_id) DO UPDATE
    SET severity = EXCLUDED.severity,
        currency = EXCLUDED.currency,
        your_price = EXCLUDED.your_price,
        own_price_unknown = EXCLUDED.own_price_unknown,
        market_low = EXCLUDED.market_low,
        competitor_low = EXCLUDED.competitor_low,
        prime_low = EXCLUDED.prime_low,
        your_position = EXCLUDED.your_position,
        total_offers = EXCLUDED.total_offers,
        gap_pct = EXCLUDED.gap_pct,
        buy_box_winner = EXCLUDED.buy_box_winner,
        has_buy_box = EXCLUDED.has_buy_box,
        buy_box_price = EXCLUDED.buy_box_price,
        buy_box_sellers = EXCLUDED.buy_box_sellers,
        flags = EXCLUDED.flags,
        severity_policy = EXCLUDED.severity_policy,
        severity_reasons = EXCLUDED.severity_reasons,
        event_time = EXCLUDED.event_time,
        publish_time = EXCLUDED.publish_time,
        event_key = EXCLUDED.event_key,
        notification_row_id = EXCLUDED.notification_row_id,
        last_own_price = EXCLUDED.last_own_price,
        last_own_price_at = EXCLUDED.last_own_price_at,
        last_own_publish_time = EXCLUDED.last_own_publish_time,
        last_own_event_key = EXCLUDED.last_own_event_key,
        your_price_changed_at = EXCLUDED.your_price_changed_at,
        winner_seen_at = EXCLUDED.winner_seen_at,
        health_issue = EXCLUDED.health_issue,
        health_at = EXCLUDED.health_at,
        health_event_key = EXCLUDED.health_event_key,
        health = EXCLUDED.health,
        doubt_reason = EXCLUDED.doubt_reason,
        doubt_since = EXCLUDED.doubt_since,
        margin_at_current_price = EXCLUDED.margin_at_current_price,
        margin_at_market_low = EXCLUDED.margin_at_market_low,
        margin_at_prime_low = EXCLUDED.margin_at_prime_low,
        min_viable_price = EXCLUDED.min_viable_price,
        min_price_for_margin = EXCLUDED.min_price_for_margin,
        recommended_price = EXCLUDED.recommended_price,
        recommendation_code = EXCLUDED.recommendation_code,
        recommendation_reason = EXCLUDED.recommendation_reason,
        risk_flags = EXCLUDED.risk_flags,
        unfollowable = EXCLUDED.unfollowable,
        profit_at_stake_per_day = EXCLUDED.profit_at_stake_per_day,
        daily_sales = EXCLUDED.daily_sales,
        own_channel = EXCLUDED.own_channel,
        economics_unknown = EXCLUDED.economics_unknown,
        economics_at = EXCLUDED.economics_at,
        low_points = EXCLUDED.low_points,
        trace_id = EXCLUDED.trace_id,
        version = EXCLUDED.version,
        worker_id = EXCLUDED.worker_id,
        updated_at = EXCLUDED.updated_at,
        changed_in = pg_current_xact_id()
    WHERE current_state.version = EXCLUDED.version - 1
      AND (
          current_state.event_time IS NULL
          OR (EXCLUDED.event_time, EXCLUDED.publish_time, EXCLUDED.event_key COLLATE "C")
             >= (current_state.event_time, current_state.publish_time, current_state.event_key)
      )
RETURNING marketplace_id || ':' || asin AS product_key, severity
