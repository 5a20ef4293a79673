-- T2: the version of the fee book, and the costs of some products, whoever sells them. There is
-- always a first row, with the version alone if no costs are known.
SELECT b.version, p.*
FROM fee_book AS b
LEFT JOIN (
    SELECT p.seller_id, p.marketplace_id, p.asin, p.item_condition, p.fulfilment_channel, p.sku,
           p.currency, p.unit_cost, p.inbound_postage, p.own_postage, p.prep, p.category,
           p.weight_g, p.size_tier, p.sale_vat_rate, p.min_price, p.max_price,
           p.estimated_daily_sales
    FROM unnest(%(marketplace_id)s::text[], %(asin)s::text[]) AS k (marketplace_id, asin)
    CROSS JOIN LATERAL (
        SELECT *
        FROM products AS p
        WHERE p.marketplace_id = k.marketplace_id AND p.asin = k.asin
        ORDER BY p.marketplace_id, p.asin, p.item_condition, p.seller_id, p.fulfilment_channel,
                 p.sku
    ) AS p
) AS p ON true
