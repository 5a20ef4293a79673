-- The catalogue of a seller, of a marketplace, or all of it, in the order of the exported file.
SELECT p.seller_id, p.marketplace_id, p.asin, p.item_condition, p.fulfilment_channel, p.sku,
       p.currency, p.title, p.unit_cost, p.inbound_postage, p.own_postage, p.prep, p.category,
       p.weight_g, p.size_tier, p.sale_vat_rate, p.min_price, p.max_price, p.estimated_daily_sales,
       p.tags
FROM products AS p
WHERE (%(seller_id)s::text IS NULL OR p.seller_id = %(seller_id)s::text)
  AND (%(marketplace_id)s::text IS NULL OR p.marketplace_id = %(marketplace_id)s::text)
ORDER BY p.seller_id COLLATE "C", p.marketplace_id COLLATE "C", p.asin COLLATE "C",
         p.item_condition COLLATE "C", p.fulfilment_channel COLLATE "C", p.sku COLLATE "C"
