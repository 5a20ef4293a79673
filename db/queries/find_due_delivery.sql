-- Courier: the delivery that has been due longest, among those whose route is on and has nothing on
-- its way. Read without locks; whoever takes it finds out whether it is still there.
SELECT due.id
FROM alert_routes AS r
CROSS JOIN LATERAL (
    SELECT d.id, d.next_attempt_at
    FROM alert_deliveries AS d
    WHERE d.route_id = r.id AND d.status = 'queued'
      AND d.next_attempt_at <= %(now)s::timestamptz
    ORDER BY d.next_attempt_at, d.id
    LIMIT 1
) AS due
WHERE r.enabled AND NOT EXISTS (
    SELECT 1 FROM alert_deliveries AS s WHERE s.route_id = r.id AND s.status = 'sending'
)
ORDER BY due.next_attempt_at, due.id
LIMIT 1
