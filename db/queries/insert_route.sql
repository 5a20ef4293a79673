-- A new route; no row comes back when its name is taken.
INSERT INTO alert_routes (
    name, channel, url_encrypted, url_masked, severities, marketplaces, asins, tags, reaches,
    min_escalation, quiet_from, quiet_to, quiet_zone, created_by
) VALUES (
    %(name)s::text, %(channel)s::text, %(url_encrypted)s::bytea, %(url_masked)s::text,
    %(severities)s::text[], %(marketplaces)s::text[], %(asins)s::text[], %(tags)s::text[],
    %(reaches)s::text[], %(min_escalation)s::integer, %(quiet_from)s::time, %(quiet_to)s::time,
    %(quiet_zone)s::text, %(created_by)s::text
)
ON CONFLICT (name) DO NOTHING
RETURNING id
