-- How many dead letters of each type are open.
SELECT f.error_type, count(*) AS open
FROM worker_failures AS f
WHERE f.resolved_at IS NULL
GROUP BY f.error_type
ORDER BY f.error_type
