-- The feed: the rows changed since a cursor, and the next cursor, read in one snapshot. A cursor is
-- a snapshot: what it did not see is due, however late its transaction committed and whatever its
-- id. The range on changed_in only narrows the scan: the cursor saw everything below its xmin.
-- There is always a first row, with the cursor alone if nothing changed.
WITH bound AS (
    SELECT pg_current_snapshot() AS here,
           COALESCE(%(cursor)s::pg_snapshot, '1:1:'::pg_snapshot) AS since
)
SELECT b.here::text AS next_cursor,
       buybox_feed_epoch() AS epoch,
       pg_snapshot_xmax(b.since) > pg_snapshot_xmax(b.here) AS out_of_range,
       s.*
FROM bound AS b
LEFT JOIN LATERAL (
    SELECT c.*
    FROM current_state AS c
    WHERE c.changed_in >= pg_snapshot_xmin(b.since)
      AND NOT pg_visible_in_snapshot(c.changed_in, b.since)
    ORDER BY c.changed_in
    LIMIT %(max_rows)s::integer
) AS s ON true
