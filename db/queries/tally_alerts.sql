-- Counts what the assessments of this transaction came to, for the current UTC day.
INSERT INTO alert_tallies (day, what, n)
SELECT (%(now)s::timestamptz AT TIME ZONE 'UTC')::date, t.what, t.n
FROM unnest(%(what)s::text[], %(n)s::bigint[]) AS t (what, n)
