-- How many states stand at each severity.
SELECT s.severity, count(*) AS states FROM current_state AS s GROUP BY s.severity
