-- T2: the waiting jobs of the products whose notifications this transaction has dealt with: they would
-- find nothing to do. Commits with the effects, so a crash brings them back.
DELETE FROM procrastinate_jobs AS j
WHERE j.status = 'todo'
  AND j.lock = ANY (%(products)s::text[])
  AND j.task_name = 'analyse_product'
  AND (j.args ->> 'notification')::bigint = ANY (%(row_ids)s::bigint[])
