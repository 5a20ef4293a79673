-- Appends what happened to alerts, with the ids drawn for it.
INSERT INTO alert_events (
    id, alert_id, at, who, change, from_phase, to_phase, reason, told, quiet, voice_why, ended,
    trace_id
)
OVERRIDING SYSTEM VALUE
SELECT n.id, n.alert_id, n.at, n.who, n.change, n.from_phase, n.to_phase, n.reason, n.told,
       n.quiet, n.voice_why, n.ended, n.trace_id
FROM json_populate_recordset(NULL::alert_events, %(rows)s::json) AS n
ORDER BY n.id
