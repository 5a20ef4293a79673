-- T2, first statement: says that an assessment is under way, until its transaction ends. Whoever must
-- know that nobody works with the costs and fees of before waits for all of these.
SELECT pg_advisory_xact_lock_shared(hashtext('buybox assessment'))
