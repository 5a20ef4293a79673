-- The doctor's own bell: rung on a channel that nobody else knows, to learn whether bells arrive.
SELECT pg_notify(%(channel)s::text, '')
