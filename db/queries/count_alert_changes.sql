-- How often each kind of change has happened to alerts since then.
SELECT e.change, count(*)
FROM alert_events AS e
WHERE e.at >= %(since)s::timestamptz
GROUP BY e.change
