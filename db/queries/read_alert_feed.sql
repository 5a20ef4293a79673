-- The feed's other half: the alerts changed since a cursor. Sent in the same REPEATABLE READ transaction
-- as read_feed, so that one cursor holds for both.
SELECT a.*
FROM alerts AS a
WHERE a.changed_in >= pg_snapshot_xmin(%(cursor)s::pg_snapshot)
  AND NOT pg_visible_in_snapshot(a.changed_in, %(cursor)s::pg_snapshot)
ORDER BY a.changed_in
LIMIT %(max_rows)s::integer
