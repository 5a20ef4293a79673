-- The open alerts, all or those that match, in the order in which they should be looked at.
SELECT a.*
FROM ops.active_alerts AS a
WHERE (%(severity)s::text IS NULL OR a.severity = %(severity)s::text)
  AND (%(marketplace_id)s::text IS NULL OR a.marketplace_id = %(marketplace_id)s::text)
  AND (%(asin)s::text IS NULL OR a.asin = %(asin)s::text)
  AND (%(assignee)s::text IS NULL OR a.assignee = %(assignee)s::text)
LIMIT %(max_rows)s::integer
