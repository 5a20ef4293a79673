-- Re-assessment: these products were assessed with the current costs and fees, so what waits
-- because it failed with earlier ones is done too. A piece that another worker is trying at this
-- moment is left to it: it may hold the states that we are about to write.
DELETE FROM reassessments
WHERE id IN (
    SELECT r.id
    FROM unnest(%(marketplace_id)s::text[], %(asin)s::text[]) AS p (marketplace_id, asin)
    JOIN reassessments AS r
        ON cardinality(r.asins) = 1 AND r.asins[1] = p.asin
        AND r.marketplace_ids[1] = p.marketplace_id AND r.failures > 0
    FOR UPDATE OF r SKIP LOCKED
)
