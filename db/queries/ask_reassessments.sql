-- Asks for the products of some marketplaces to be re-assessed; seller NULL means all sellers.
INSERT INTO reassessments (marketplace_id, seller_id)
SELECT s.marketplace_id, s.seller_id
FROM unnest(%(marketplace_id)s::text[], %(seller_id)s::text[]) AS s (marketplace_id, seller_id)
