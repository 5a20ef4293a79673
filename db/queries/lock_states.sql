-- T2: the states of these products, locked in key order.
SELECT s.*
FROM current_state AS s
JOIN (
    SELECT DISTINCT p.marketplace_id, p.asin
    FROM unnest(%(marketplace_id)b::text[], %(asin)b::text[]) AS p (marketplace_id, asin)
) AS p USING (marketplace_id, asin)
ORDER BY s.marketplace_id, s.asin, s.item_condition, s.audience, s.seller_id
FOR UPDATE OF s
