-- Every route, with how many deliveries wait and what is wrong, for operators; addresses masked.
SELECT r.name, r.channel, r.url_masked, r.severities, r.marketplaces, r.asins, r.tags, r.reaches,
       r.min_escalation, r.quiet_from, r.quiet_to, r.quiet_zone, r.enabled, r.trouble,
       (
           SELECT count(*) FROM alert_deliveries AS d
           WHERE d.route_id = r.id AND d.status IN ('queued', 'sending')
       ) AS waiting
FROM alert_routes AS r
ORDER BY r.name
