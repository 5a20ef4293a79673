-- Dispatch: one row for each message to each receiver. One to the dashboard is complete with its row.
INSERT INTO alert_deliveries (
    route_id, route_name, channel, reach, heading, status, reason, next_attempt_at, due_at, joins_key,
    created_at, delivered_at
)
SELECT d.route_id, d.route_name, d.channel, d.reach, d.heading,
       CASE d.channel WHEN 'dashboard' THEN 'delivered' ELSE 'queued' END,
       d.reason,
       CASE WHEN d.channel <> 'dashboard' THEN d.due_at END,
       d.due_at,
       d.joins_key,
       %(now)s::timestamptz,
       CASE d.channel WHEN 'dashboard' THEN %(now)s::timestamptz END
FROM unnest(
    %(route_id)s::bigint[], %(route_name)s::text[], %(channel)s::text[], %(reach)s::text[],
    %(heading)s::text[], %(reason)s::text[], %(due_at)s::timestamptz[], %(joins_key)s::text[]
) WITH ORDINALITY
    AS d (route_id, route_name, channel, reach, heading, reason, due_at, joins_key, n)
ORDER BY d.n
RETURNING id
