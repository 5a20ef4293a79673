-- Adds up the oldest of the small tallies, today's among them, into one row per day and `what`.
WITH gone AS (
    DELETE FROM alert_tallies AS t
    WHERE t.id IN (
        SELECT f.id
        FROM alert_tallies AS f
        ORDER BY f.id
        LIMIT %(max_rows)s::integer
        FOR UPDATE SKIP LOCKED
    )
    RETURNING t.day, t.what, t.n
)
INSERT INTO alert_tallies (day, what, n)
SELECT g.day, g.what, sum(g.n)
FROM gone AS g
GROUP BY g.day, g.what
