-- T2: the newest alert of each subject that has one, open or not, locked in the order of the keys.
-- The states, locked before, keep a newer alert from being raised; this lock keeps people and ticks
-- away.
SELECT a.*
FROM (
    SELECT DISTINCT k.subject_key
    FROM unnest(%(subject_keys)b::text[]) AS k (subject_key)
    ORDER BY k.subject_key
) AS k
CROSS JOIN LATERAL (
    SELECT n.*
    FROM alerts AS n
    WHERE n.subject_key = k.subject_key
    ORDER BY n.id DESC
    LIMIT 1
    FOR UPDATE
) AS a
