-- The titles of a page's products, where the catalogue has one.
SELECT DISTINCT ON (p.marketplace_id, p.asin) p.marketplace_id, p.asin, p.title
FROM products AS p
JOIN unnest(%(marketplaces)s::text[], %(asins)s::text[]) AS k (marketplace_id, asin)
  ON p.marketplace_id = k.marketplace_id AND p.asin = k.asin
WHERE p.title IS NOT NULL
ORDER BY p.marketplace_id, p.asin, p.updated_at DESC
