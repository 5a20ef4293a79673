-- Acts on several alerts: all of them held before the first is touched, in the order in which analyses, clocks
-- and other people take them, so that nobody waits for somebody who waits for him.
SELECT a.id
FROM alerts AS a
WHERE a.id = ANY (%(ids)s::bigint[])
ORDER BY a.subject_key, a.id
FOR UPDATE
