-- How far analysis is behind: what waits, and since when its oldest has that nobody has tried yet: one
-- that waits for its next attempt, or was redriven, is no sign of being behind. The second condition,
-- always true, names the index of the backlog's age, which other statements must not choose.
SELECT count(*) AS waiting,
       min(n.received_at) FILTER (WHERE n.next_attempt_at IS NULL) AS oldest_received_at
FROM (
    SELECT received_at, next_attempt_at FROM worker_notifications
    WHERE status = 'waiting' AND received_at > '-infinity'
    ORDER BY received_at
    LIMIT %(max_rows)s::integer
) AS n
