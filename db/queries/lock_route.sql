-- A route by its name, locked: the dispatcher writes no more deliveries for it until this
-- transaction ends.
SELECT r.id, r.channel, r.url_encrypted, r.enabled FROM alert_routes AS r
WHERE r.name = %(name)s::text
FOR UPDATE
