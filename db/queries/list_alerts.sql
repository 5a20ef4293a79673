-- A page of the alerts for the dashboard: by severity, then the money at stake, then the newest.
-- With a cursor, only what it has not seen. Of the resolved ones, only those that ended after a
-- moment.
SELECT r.*
FROM (
    SELECT a.*,
           array_position(ARRAY['critical', 'high', 'warning'], a.severity) AS place_rank,
           COALESCE(-a.profit_at_stake_per_day, 'infinity') AS place_stake,
           -a.id AS place_key
    FROM alerts AS a
    WHERE CASE %(tab)s::text
              WHEN 'resolved' THEN a.attention = 'resolved' AND a.resolved_at > %(resolved_after)s::timestamptz
              WHEN 'snoozed' THEN a.attention <> 'resolved' AND a.snooze_until > %(now)s::timestamptz
              WHEN 'active' THEN a.attention <> 'resolved'
                  AND (a.snooze_until IS NULL OR a.snooze_until <= %(now)s::timestamptz)
              ELSE a.attention <> 'resolved' OR a.resolved_at > %(resolved_after)s::timestamptz
          END
      AND (%(marketplaces)s::text[] IS NULL OR a.marketplace_id = ANY (%(marketplaces)s::text[]))
      AND (%(severities)s::text[] IS NULL OR a.severity = ANY (%(severities)s::text[]))
      AND (%(asins)s::text[] IS NULL OR a.asin = ANY (%(asins)s::text[]))
      AND (%(snapshot)s::pg_snapshot IS NULL
           OR a.changed_in >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)
           AND NOT pg_visible_in_snapshot(a.changed_in, %(snapshot)s::pg_snapshot))
) AS r
WHERE %(after_key)s::bigint IS NULL
   OR (r.place_rank, r.place_stake, r.place_key)
    > (%(after_rank)s::integer, %(after_stake)s::numeric, %(after_key)s::bigint)
ORDER BY r.place_rank, r.place_stake, r.place_key
LIMIT %(max_rows)s::integer
