-- What happened to some alerts, in the order in which it did.
SELECT e.alert_id, e.at, e.who, e.change, e.from_phase, e.to_phase, e.reason, e.told, e.quiet
FROM alert_events AS e
WHERE e.alert_id = ANY (%(alert_ids)s::bigint[])
ORDER BY e.id DESC
LIMIT %(max_rows)s::integer
