-- Dispatch: only one at a time decides who hears of what, or two would each send half a burst as
-- single messages. The second waits, since the message it was called for may be too new for the
-- first to see.
SELECT pg_advisory_xact_lock(hashtext('buybox dispatch'))
