-- Digest: alerts within a route's filter that ended with a clear since its last digest and that
-- nobody had looked at. A digest that did not arrive does not count.
SELECT a.id AS alert_id, a.marketplace_id, a.asin, a.kind, a.severity, a.first_seen,
       a.still_true_since, a.resolved_at, a.facts, a.profit_at_stake_per_day, a.currency
FROM alert_routes AS r
JOIN alerts AS a
    ON a.attention = 'resolved' AND a.resolution = 'cleared' AND a.looked_at IS NULL
WHERE r.id = %(route_id)s::bigint
  AND a.resolved_at >= GREATEST(
      %(not_before)s::timestamptz,
      (
          SELECT max(d.due_at) FROM alert_deliveries AS d
          WHERE d.route_id = %(route_id)s::bigint AND d.reach = 'digest'
            AND d.status NOT IN ('cancelled', 'failed')
            AND d.created_at >= %(not_before)s::timestamptz AND d.due_at < %(until)s::timestamptz
      )
  )
  AND a.resolved_at < %(until)s::timestamptz
  AND (r.severities IS NULL OR r.severities && ARRAY[a.severity, 'clear'])
  AND (r.marketplaces IS NULL OR a.marketplace_id = ANY (r.marketplaces))
  AND (r.asins IS NULL OR a.asin = ANY (r.asins))
  AND (
      r.tags IS NULL OR EXISTS (
          SELECT 1 FROM products AS p
          WHERE p.marketplace_id = a.marketplace_id AND p.asin = a.asin AND p.seller_id = a.seller_id
            AND p.tags && r.tags
      )
  )
  AND a.escalation_level >= r.min_escalation
ORDER BY a.resolved_at, a.id
LIMIT %(max_alerts)s::integer
