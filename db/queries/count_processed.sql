-- Processed notifications from an id on, for counters that go on where they were: `floor` is the
-- oldest id that still waits, and everything below it is settled. Times are counted in the
-- histogram's buckets. The oldest id is looked for among those that came first, by the index of the
-- backlog's age: in the order of ids, all that was ever received would be read up to it. One that
-- came later than all of those, by the clock of another ingester, and yet has a lower id would go
-- uncounted.
WITH bound AS MATERIALIZED (
    SELECT COALESCE(
        (
            SELECT min(w.id)
            FROM (
                SELECT n.id
                FROM worker_notifications AS n
                WHERE n.status = 'waiting' AND n.received_at > '-infinity'
                ORDER BY n.received_at
                LIMIT 10000
            ) AS w
        ),
        (SELECT max(id) + 1 FROM worker_notifications),
        1
    ) AS floor
)
SELECT b.floor,
       n.id < b.floor AS settled,
       width_bucket(n.processing_ms::float8, %(bounds_ms)s::float8[]) AS bucket,
       count(*) AS notifications,
       COALESCE(sum(n.processing_ms), 0)::float8 AS total_ms
FROM bound AS b
LEFT JOIN worker_notifications AS n
    ON n.id >= %(from_id)s::bigint AND n.status = 'processed'
GROUP BY 1, 2, 3
