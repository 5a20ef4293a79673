-- The alerts of one product, the newest first.
SELECT a.*
FROM alerts AS a
WHERE a.marketplace_id = %(marketplace)s::text AND a.asin = %(asin)s::text
ORDER BY a.id DESC
LIMIT %(max_rows)s::integer
