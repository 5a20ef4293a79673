-- Where one product stands: one row per condition, audience and own seller.
SELECT s.*
FROM current_state AS s
WHERE s.marketplace_id = %(marketplace)s::text AND s.asin = %(asin)s::text
ORDER BY s.audience DESC, s.item_condition, s.seller_id
