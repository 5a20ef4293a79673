CREATE VIEW ops.competitive_state AS
SELECT s.marketplace_id || ':' || s.asin AS product_key,
       now() - s.event_time AS data_age,
       s.*
FROM current_state AS s
ORDER BY array_position(ARRAY['critical', 'high', 'warning', 'success', 'info'], s.severity),
         s.profit_at_stake_per_day DESC NULLS LAST, s.event_time DESC NULLS LAST;
COMMENT ON VIEW ops.competitive_state IS
    'Open it to see where a product stands now, why its severity is what it is, how old that is, and
what a price is worth: the worst first, and among equals those with the most money at stake.';
