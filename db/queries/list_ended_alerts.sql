-- The ended alerts, all or those that match, newest end first.
SELECT a.id, a.seller_id, a.marketplace_id, a.asin, a.item_condition, a.kind, a.fingerprint,
       a.severity, a.condition, a.attention, a.resolution, a.resolved_at, a.resolved_by,
       COALESCE(a.still_true_since, a.first_seen) AS true_since, a.occurrences, a.assignee, a.note,
       a.profit_at_stake_per_day, a.currency
FROM alerts AS a
WHERE a.attention = 'resolved'
  AND (%(severity)s::text IS NULL OR a.severity = %(severity)s::text)
  AND (%(marketplace_id)s::text IS NULL OR a.marketplace_id = %(marketplace_id)s::text)
  AND (%(asin)s::text IS NULL OR a.asin = %(asin)s::text)
  AND (%(assignee)s::text IS NULL OR a.assignee = %(assignee)s::text)
ORDER BY a.resolved_at DESC, a.id DESC
LIMIT %(max_rows)s::integer
