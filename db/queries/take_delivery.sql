-- Courier: takes a delivery in hand. No row: another worker did, it was cancelled, or its route is
-- off. The unique index on routes with a delivery on its way refuses a second one. Without `now`
-- the time is the database's: others, whose clocks may differ, judge how long it has been held.
UPDATE alert_deliveries AS d
SET status = 'sending', taken_at = COALESCE(%(now)s::timestamptz, now()),
    taken_by = %(who)s::text, attempts = d.attempts + 1, next_attempt_at = NULL
FROM alert_routes AS r
WHERE d.id = %(id)s::bigint AND d.status = 'queued' AND r.id = d.route_id AND r.enabled
RETURNING d.id, d.route_id, d.route_name, d.channel, d.reach, d.attempts, d.failures, d.due_at,
          d.created_at, r.url_encrypted
