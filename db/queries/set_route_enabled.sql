-- Switches a route on or off. Once it is on again, its trouble is forgotten until the next attempt.
UPDATE alert_routes AS r
SET enabled = %(enabled)s::boolean, trouble = CASE WHEN %(enabled)s::boolean THEN NULL ELSE r.trouble END
WHERE r.id = %(id)s::bigint
