-- These alerts, locked in the order in which T2 locks them.
SELECT a.*
FROM alerts AS a
WHERE a.id = ANY (%(ids)s::bigint[])
ORDER BY a.subject_key, a.id
FOR UPDATE
