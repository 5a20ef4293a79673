-- Re-assessment: one piece of work that is ready, locked until it is done; others take others. Of a
-- marketplace it names the next products that have costs; with fewer than wanted it is done.
SELECT r.id,
       r.marketplace_id IS NULL OR cardinality(page.asins) < %(max_products)s::integer AS is_last,
       COALESCE(r.marketplace_ids, array_fill(r.marketplace_id, ARRAY[cardinality(page.asins)]))
           AS marketplace_ids,
       COALESCE(r.asins, page.asins) AS asins,
       r.asked_at,
       r.failures,
       r.last_error
FROM (
    SELECT *
    FROM reassessments
    WHERE settled AND due_at <= %(now)s::timestamptz
    ORDER BY id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
) AS r
CROSS JOIN LATERAL (
    SELECT ARRAY (
        SELECT DISTINCT p.asin
        FROM products AS p
        WHERE p.marketplace_id = r.marketplace_id AND p.asin > r.done_up_to
          AND (r.seller_id IS NULL OR p.seller_id = r.seller_id)
        ORDER BY p.asin
        LIMIT %(max_products)s::integer
    ) AS asins
    OFFSET 0
) AS page
