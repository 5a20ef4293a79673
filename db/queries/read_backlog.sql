-- How far analysis is behind: how much waits, and when the oldest came that nobody has tried yet.
-- One that waits for its next attempt, or was redriven, is no sign of being behind. The second
-- condition is always true: it is that of the index on the backlog's age, which other statements
-- must not choose.
SELECT count(*) AS waiting,
       min(n.received_at) FILTER (WHERE n.next_attempt_at IS NULL) AS oldest_received_at
FROM (
    SELECT received_at, next_attempt_at FROM worker_notifications
    WHERE status = 'waiting' AND received_at > '-infinity'
    ORDER BY received_at
    LIMIT %(max_rows)s::integer
) AS n
