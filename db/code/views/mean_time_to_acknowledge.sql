CREATE VIEW ops.mean_time_to_acknowledge AS
SELECT (f.acknowledged_at AT TIME ZONE 'UTC')::date AS day,
       f.severity,
       count(*) AS n,
       round(avg(f.seconds)) AS mean_seconds,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY f.seconds)::numeric) AS median_seconds
FROM (
    SELECT e.at AS acknowledged_at,
           -- as it was when somebody took it on; it may have eased since
           split_part(e.from_phase, ' ', 1) AS severity,
           extract(epoch FROM e.at - COALESCE(b.first_told_at, b.raised_at)) AS seconds
    FROM alert_events AS e
    CROSS JOIN LATERAL (
        SELECT min(o.at) AS raised_at,
               min(o.at) FILTER (WHERE o.told IS NOT NULL) AS first_told_at,
               bool_or(o.change = 'acknowledged') AS was_acknowledged
        FROM alert_events AS o
        WHERE o.alert_id = e.alert_id AND o.id < e.id
    ) AS b
    WHERE e.change = 'acknowledged'
      AND e.at >= date_trunc('day', now(), 'UTC') - interval '29 days'
      AND NOT b.was_acknowledged
) AS f
GROUP BY 1, 2
ORDER BY day DESC, array_position(ARRAY['critical', 'high', 'warning'], f.severity);
COMMENT ON VIEW ops.mean_time_to_acknowledge IS
    'Open it to see how fast people react: per UTC day of the last 30 and severity, the seconds from
the first message (or the raise, where none was due) to the first acknowledgement.';
