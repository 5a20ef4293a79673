-- A page of the states for the dashboard: the worst first, among equals the most money at stake.
-- Each row comes with its place in this order, for the next page to go on after. The order is that of
-- the index current_state_listed, whose expressions these are word for word; no place is before the
-- first, so that the index finds every page.
SELECT r.*
FROM (
    SELECT s.*,
           array_position(ARRAY['critical', 'high', 'warning', 'success', 'info'], s.severity)
               AS place_rank,
           COALESCE(-s.profit_at_stake_per_day, 'infinity') AS place_stake,
           s.marketplace_id || '|' || s.asin || '|' || s.item_condition || '|' || s.audience
               || '|' || s.seller_id AS place_key
    FROM current_state AS s
    WHERE (%(marketplaces)s::text[] IS NULL OR s.marketplace_id = ANY (%(marketplaces)s::text[]))
      AND (%(severities)s::text[] IS NULL OR s.severity = ANY (%(severities)s::text[]))
      AND (%(asins)s::text[] IS NULL OR s.asin = ANY (%(asins)s::text[]))
) AS r
WHERE (r.place_rank, r.place_stake, r.place_key)
    > (
        COALESCE(%(after_rank)s::integer, 0), COALESCE(%(after_stake)s::numeric, 0),
        COALESCE(%(after_key)s::text, '')
    )
ORDER BY r.place_rank, r.place_stake, r.place_key
LIMIT %(max_rows)s::integer
