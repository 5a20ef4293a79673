-- Courier: what the operator must mend about a route; NULL: nothing any more.
UPDATE alert_routes AS r
SET trouble = %(trouble)s::text
WHERE r.id = %(id)s::bigint AND r.trouble IS DISTINCT FROM %(trouble)s::text
