-- Every route, with how many deliveries wait and what is wrong, for operators; addresses masked. What
-- waits and what is on its way are asked for one by one: each has an index of its own.
SELECT r.name, r.channel, r.url_masked, r.severities, r.marketplaces, r.asins, r.tags, r.reaches,
       r.min_escalation, r.quiet_from, r.quiet_to, r.quiet_zone, r.enabled, r.trouble,
       (
           SELECT count(*) FROM alert_deliveries AS d
           WHERE d.route_id = r.id AND d.status = 'queued'
       ) + (
           SELECT count(*) FROM alert_deliveries AS d
           WHERE d.route_id = r.id AND d.status = 'sending'
       ) AS waiting
FROM alert_routes AS r
ORDER BY r.name
