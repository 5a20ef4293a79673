-- T2 of a product whose worker died: the analysis of this notification begins, or (step -1) did not
-- take place after all. Committed before the analysis begins, since a worker that dies of it can no
-- longer count.
UPDATE worker_notifications AS n
SET begun = NULLIF(COALESCE(n.begun, 0) + %(step)s::smallint, 0)
WHERE n.id = %(row_id)s::bigint AND n.status = 'waiting'
RETURNING COALESCE(n.begun, 0) AS begun
