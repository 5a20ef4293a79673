-- The ids of open dead letters that come after one id, ascending.
SELECT f.id
FROM worker_failures AS f
WHERE f.resolved_at IS NULL
  AND f.id > %(after)s::bigint
  AND (%(error_type)s::text IS NULL OR f.error_type = %(error_type)s::text)
  AND (%(ids)s::bigint[] IS NULL OR f.id = ANY (%(ids)s::bigint[]))
ORDER BY f.id
LIMIT %(max_rows)s::integer
