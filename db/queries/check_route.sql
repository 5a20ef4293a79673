-- Courier: whether a route is there and on, before a delivery that failed for it is put off.
SELECT EXISTS (SELECT FROM alert_routes AS r WHERE r.id = %(id)s::bigint AND r.enabled) AS is_open
