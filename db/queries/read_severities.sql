-- How many states stand at each severity. From the view, so that a login with ops_reader may ask
-- too.
SELECT s.severity, count(*) AS states FROM ops.competitive_state AS s GROUP BY s.severity
