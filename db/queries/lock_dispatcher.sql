-- Dispatch: one at a time decides who hears of what, or two would each send a burst alone. The second
-- waits, since what it was called for may be too young for the first to see.
SELECT pg_advisory_xact_lock(hashtext('buybox dispatch'))
