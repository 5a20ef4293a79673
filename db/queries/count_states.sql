-- How many states stand at each severity, for each page of the dashboard's list: from the index alone.
SELECT s.severity, count(*) AS states FROM current_state AS s GROUP BY s.severity
