CREATE VIEW ops.alert_funnel AS
WITH window_start AS MATERIALIZED (
    SELECT date_trunc('day', now(), 'UTC') - interval '29 days' AS at
),
counted AS (
    SELECT t.day,
           sum(t.n) FILTER (WHERE t.what = 'assessed') AS assessed,
           NULL::bigint AS raised,
           NULL::bigint AS told,
           NULL::bigint AS delivered,
           NULL::bigint AS failed
    FROM alert_tallies AS t
    WHERE t.day >= (SELECT (w.at AT TIME ZONE 'UTC')::date FROM window_start AS w)
    GROUP BY t.day
    UNION ALL
    SELECT (e.at AT TIME ZONE 'UTC')::date,
           NULL,
           count(*) FILTER (WHERE e.from_phase IS NULL),
           count(e.told),
           NULL,
           NULL
    FROM alert_events AS e
    WHERE e.at >= (SELECT w.at FROM window_start AS w)
    GROUP BY 1
    UNION ALL
    SELECT (d.created_at AT TIME ZONE 'UTC')::date,
           NULL,
           NULL,
           NULL,
           count(*) FILTER (WHERE d.status = 'delivered'),
           count(*) FILTER (WHERE d.status = 'failed')
    FROM alert_deliveries AS d
    WHERE d.created_at >= (SELECT w.at FROM window_start AS w)
    GROUP BY 1
),
kept_quiet AS (
    SELECT q.day, jsonb_object_agg(q.what, q.n ORDER BY q.what) AS suppressed
    FROM (
        SELECT t.day, t.what, sum(t.n) AS n
        FROM alert_tallies AS t
        WHERE t.day >= (SELECT (w.at AT TIME ZONE 'UTC')::date FROM window_start AS w)
          AND t.what <> 'assessed'
        GROUP BY t.day, t.what
    ) AS q
    GROUP BY q.day
)
SELECT c.day,
       COALESCE(sum(c.assessed), 0) AS assessed,
       COALESCE(sum(c.raised), 0) AS raised,
       COALESCE(k.suppressed, '{}') AS suppressed,
       COALESCE(sum(c.told), 0) AS told,
       COALESCE(sum(c.delivered), 0) AS delivered,
       COALESCE(sum(c.failed), 0) AS failed
FROM counted AS c
LEFT JOIN kept_quiet AS k ON k.day = c.day
GROUP BY c.day, k.suppressed
ORDER BY c.day DESC;
COMMENT ON VIEW ops.alert_funnel IS
    'Open it to see how much noise is kept from people: for each UTC day of the last 30, assessments,
alerts raised, what kept messages quiet and how often, messages due, and how many of the deliveries
made that day arrived or failed.';
