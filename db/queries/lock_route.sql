-- A route by its name, held: the dispatcher writes no more deliveries for it until we are done.
SELECT r.id, r.channel, r.url_encrypted, r.enabled FROM alert_routes AS r
WHERE r.name = %(name)s::text
FOR UPDATE
