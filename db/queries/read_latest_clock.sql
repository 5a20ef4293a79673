-- Dispatch: the time by the clock that is ahead, the caller's or the database's. What is due by
-- either of them is due, or what another worker meant for at once would wait for the next minute's
-- look.
SELECT GREATEST(%(now)s::timestamptz, clock_timestamp())
