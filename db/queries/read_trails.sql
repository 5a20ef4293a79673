-- What happened to some alerts, newest first: of each only the newest entries, so that one with
-- thousands of them does not crowd out the others.
SELECT e.alert_id, e.at, e.who, e.change, e.from_phase, e.to_phase, e.reason, e.told, e.quiet
FROM unnest(%(alert_ids)s::bigint[]) AS a (id)
CROSS JOIN LATERAL (
    SELECT *
    FROM alert_events AS one
    WHERE one.alert_id = a.id
    ORDER BY one.id DESC
    LIMIT %(max_rows)s::integer
) AS e
ORDER BY e.id DESC
