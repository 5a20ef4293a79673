-- Acts on several alerts: all of them are locked before the first is touched, in the order in which
-- analyses, ticks and other people lock them, so that no two ever wait for each other.
SELECT a.id
FROM alerts AS a
WHERE a.id = ANY (%(ids)s::bigint[])
ORDER BY a.subject_key, a.id
FOR UPDATE
