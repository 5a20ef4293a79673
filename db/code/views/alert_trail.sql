CREATE VIEW ops.alert_trail AS
SELECT e.id,
       e.at,
       e.alert_id,
       a.marketplace_id || ':' || a.asin AS product_key,
       a.kind,
       a.severity AS severity_now,
       e.who,
       e.change,
       e.from_phase,
       e.to_phase,
       e.reason,
       COALESCE('told: ' || e.told, 'quiet: ' || e.quiet) AS voice,
       e.voice_why,
       e.ended,
       e.trace_id
FROM alert_events AS e
JOIN alerts AS a ON a.id = e.alert_id
ORDER BY e.id DESC;
COMMENT ON VIEW ops.alert_trail IS
    'Open it to learn who did what to an alert, and when and why it was told or kept quiet, newest
first. Filter by alert_id; "ended" names what people had set and the event ended, such as a snooze.';
