-- Removes jobs that failed long ago. A failed job was one attempt: the next job or the sweep does
-- its work. Its row stays for whoever asks what happened, but not for ever. Found by the events, of
-- which there are few: none is written for a waiting analysis job.
DELETE FROM procrastinate_jobs AS j
USING (
    SELECT e.job_id
    FROM procrastinate_events AS e
    WHERE e.type = 'failed'
    GROUP BY e.job_id
    HAVING max(e.at) < %(now)s::timestamptz - %(older_than)s::interval
) AS long_ago
WHERE j.id = long_ago.job_id
  AND j.status = 'failed'
