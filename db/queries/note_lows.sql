-- T2: what late messages add to the memory of lows. Nobody is told of this change: the row keeps
-- its place in the feed. Written only over the version that was read, as the states are.
UPDATE current_state AS c
SET low_points = s.low_points,
    version = s.version
FROM json_to_recordset(%(rows)s::json) AS s (
    marketplace_id text, asin text, item_condition text, audience text, seller_id text,
    low_points jsonb, version bigint
)
WHERE c.marketplace_id = s.marketplace_id AND c.asin = s.asin
  AND c.item_condition = s.item_condition AND c.audience = s.audience
  AND c.seller_id = s.seller_id
  AND c.version = s.version - 1
