-- Re-assessment: products of a piece that failed, each by itself from now on, and settled as the piece
-- was. Which waits by itself already, perhaps since it failed at an earlier change, is not asked for
-- twice: it will find the costs and fees of then.
INSERT INTO reassessments (marketplace_ids, asins, settled, due_at)
SELECT ARRAY[p.marketplace_id], ARRAY[p.asin], true, %(due_at)s::timestamptz
FROM unnest(%(marketplace_id)s::text[], %(asin)s::text[])
    WITH ORDINALITY AS p (marketplace_id, asin, place)
WHERE NOT EXISTS (
    SELECT FROM reassessments AS r
    WHERE r.marketplace_ids = ARRAY[p.marketplace_id] AND r.asins = ARRAY[p.asin]
)
ORDER BY p.place
