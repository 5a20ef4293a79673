-- Dispatch: the routes that are on, locked so that none is removed before its deliveries are
-- written.
SELECT r.id, r.name, r.channel, r.severities, r.marketplaces, r.asins, r.tags, r.reaches,
       r.min_escalation, r.quiet_from, r.quiet_to, r.quiet_zone
FROM alert_routes AS r
WHERE r.enabled
ORDER BY r.id
FOR KEY SHARE
