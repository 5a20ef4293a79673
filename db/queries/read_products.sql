-- The costs of what some states are about, one probe of the key each. Several rows for one state are
-- its fulfilment channels and SKUs.
SELECT p.seller_id, p.marketplace_id, p.asin, p.item_condition, p.fulfilment_channel, p.sku,
       p.currency, p.title, p.unit_cost, p.inbound_postage, p.own_postage, p.prep, p.category,
       p.weight_g, p.size_tier, p.sale_vat_rate, p.min_price, p.max_price, p.estimated_daily_sales,
       p.tags
FROM (
    SELECT DISTINCT k.*
    FROM unnest(
        %(seller_id)s::text[], %(marketplace_id)s::text[], %(asin)s::text[],
        %(item_condition)s::text[]
    ) AS k (seller_id, marketplace_id, asin, item_condition)
) AS k
CROSS JOIN LATERAL (
    SELECT *
    FROM products AS p
    WHERE p.marketplace_id = k.marketplace_id AND p.asin = k.asin
      AND p.item_condition = k.item_condition AND p.seller_id = k.seller_id
    OFFSET 0
) AS p
ORDER BY p.marketplace_id, p.asin, p.item_condition, p.seller_id, p.fulfilment_channel, p.sku
