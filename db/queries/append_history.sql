-- T2: one row per analysed notification.
INSERT INTO competitive_history (
    notification_row_id, recorded_at, event_time, seller_id, marketplace_id, asin, item_condition,
    audience, kind, outcome, severity, severity_policy, severity_reasons, currency, your_price,
    own_price_unknown, market_low, competitor_low, prime_low, your_position, total_offers, gap_pct,
    buy_box_winner, has_buy_box, buy_box_price, buy_box_sellers, flags,
    margin_at_current_price, margin_at_market_low, margin_at_prime_low, min_viable_price
)
SELECT h.notification_row_id, %(now)s::timestamptz, h.event_time, h.seller_id, h.marketplace_id,
       h.asin, h.item_condition, h.audience, h.kind, h.outcome, h.severity, h.severity_policy,
       h.severity_reasons, h.currency, h.your_price, h.own_price_unknown, h.market_low,
       h.competitor_low, h.prime_low, h.your_position, h.total_offers, h.gap_pct, h.buy_box_winner,
       h.has_buy_box, h.buy_box_price, h.buy_box_sellers, COALESCE(h.flags, '{}'),
       h.margin_at_current_price, h.margin_at_market_low, h.margin_at_prime_low, h.min_viable_price
FROM json_to_recordset(%(rows)s::json) AS h (
    notification_row_id bigint, event_time timestamptz, seller_id text, marketplace_id text,
    asin text, item_condition text, audience text, kind text, outcome text, severity text,
    severity_policy text, severity_reasons text[], currency text, your_price numeric,
    own_price_unknown text, market_low numeric, competitor_low numeric, prime_low numeric,
    your_position integer, total_offers integer, gap_pct numeric, buy_box_winner boolean,
    has_buy_box boolean, buy_box_price numeric, buy_box_sellers text[], flags text[],
    margin_at_current_price numeric, margin_at_market_low numeric, margin_at_prime_low numeric,
    min_viable_price numeric
)
