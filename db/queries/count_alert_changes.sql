-- What has happened to alerts since, by the name of the change.
SELECT e.change, count(*)
FROM alert_events AS e
WHERE e.at >= %(since)s::timestamptz
GROUP BY e.change
