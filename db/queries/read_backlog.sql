-- How far analysis is behind: what waits, and since when its oldest has. The second condition, always
-- true, names the index of the backlog's age, which other statements must not choose.
SELECT count(*) AS waiting, min(n.received_at) AS oldest_received_at
FROM (
    SELECT received_at FROM worker_notifications
    WHERE status = 'waiting' AND received_at > '-infinity'
    ORDER BY received_at
    LIMIT %(max_rows)s::integer
) AS n
