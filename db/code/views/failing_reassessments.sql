CREATE VIEW ops.failing_reassessments AS
SELECT COALESCE(r.marketplace_id, r.marketplace_ids[1]) AS marketplace_id,
       CASE WHEN cardinality(r.asins) = 1 THEN r.asins[1] END AS asin,
       cardinality(r.asins) AS products,
       r.asked_at,
       r.failures,
       r.due_at AS next_attempt_at,
       r.last_error
FROM reassessments AS r
WHERE r.failures > 0
ORDER BY r.asked_at, r.id;
COMMENT ON VIEW ops.failing_reassessments IS
    'Open it when a margin stays as it was after costs or fees changed (asked_at): what could not be
re-assessed, why, and when it is tried again: after 10 minutes, then after twice as long each time, a
day at most, and at once when its costs or fees change. One that was begun and not ended, because its
worker died or hung, begins with a minute; it also stands here while it is under way. A row without an ASIN is a whole piece of so
many products; one without a number of products is the rest of a marketplace.';
