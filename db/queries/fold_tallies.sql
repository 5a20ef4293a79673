-- Adds up the small tallies of the days that are over, and of today those that are here now: one row a
-- day and word is left.
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
