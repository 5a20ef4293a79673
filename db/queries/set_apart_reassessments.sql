-- Re-assessment: splits up a piece that failed. Each of its products is a piece of its own from now
-- on, asked for and settled as the whole was. A product that already waits by itself, since it
-- failed at an earlier change, gets no second piece: it is tried by the time the others are, with
-- the costs and fees of then.
WITH given AS (
    SELECT p.marketplace_id, p.asin, p.place
    FROM unnest(%(marketplace_id)s::text[], %(asin)s::text[])
        WITH ORDINALITY AS p (marketplace_id, asin, place)
), again AS (
    UPDATE reassessments AS r
    SET due_at = LEAST(r.due_at, %(due_at)s::timestamptz),
        failures = GREATEST(r.failures, %(failures)s::integer),
        last_error = COALESCE(%(error)s::text, r.last_error)
    FROM given AS g
    WHERE cardinality(r.asins) = 1 AND r.asins[1] = g.asin
      AND r.marketplace_ids[1] = g.marketplace_id
    RETURNING g.place
)
INSERT INTO reassessments (
    marketplace_ids, asins, settled, asked_at, due_at, failures, last_error
)
SELECT ARRAY[g.marketplace_id], ARRAY[g.asin], true, %(asked_at)s::timestamptz,
       %(due_at)s::timestamptz, %(failures)s::integer, %(error)s::text
FROM given AS g
WHERE g.place NOT IN (SELECT a.place FROM again AS a)
ORDER BY g.place
