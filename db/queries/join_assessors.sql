-- T2, first statement: says that an assessment is under way, until its transaction ends. Whoever
-- must know that nobody still works with the earlier costs and fees waits for all of these to end.
SELECT pg_advisory_xact_lock_shared(hashtext('buybox assessment'))
