-- The costs of one ASIN, to explain its prices: of every seller, condition, channel and SKU.
SELECT p.seller_id, p.marketplace_id, p.asin, p.item_condition, p.fulfilment_channel, p.sku,
       p.currency, p.title, p.unit_cost, p.inbound_postage, p.own_postage, p.prep, p.category,
       p.weight_g, p.size_tier, p.sale_vat_rate, p.min_price, p.max_price, p.estimated_daily_sales,
       p.tags
FROM products AS p
WHERE p.marketplace_id = %(marketplace_id)s::text
  AND p.asin = %(asin)s::text
ORDER BY p.seller_id, p.item_condition, p.fulfilment_channel, p.sku
