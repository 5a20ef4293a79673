-- Removes a route; its deliveries stay, with its name.
DELETE FROM alert_routes AS r WHERE r.id = %(id)s::bigint
