-- What happened to one alert, oldest first.
SELECT e.id, e.at, e.who, e.change, e.from_phase, e.to_phase, e.reason, e.told, e.quiet,
       e.voice_why, e.ended, e.trace_id
FROM alert_events AS e
WHERE e.alert_id = %(alert_id)s::bigint
ORDER BY e.id
