-- What became of everything received since a moment: for the summaries of replay --drain and the demo.
SELECT count(*) AS stored,
       count(*) FILTER (WHERE n.status = 'waiting') AS waiting,
       count(*) FILTER (WHERE n.status = 'processed') AS processed,
       count(*) FILTER (WHERE n.status = 'ignored') AS ignored,
       count(*) FILTER (WHERE n.status = 'failed') AS failed,
       count(*) FILTER (WHERE n.outcome = 'late') AS late,
       count(*) FILTER (WHERE n.outcome = 'rejected') AS rejected,
       (SELECT count(*) FROM worker_failures AS f WHERE f.stage = 'ingest'
            AND f.resolved_at IS NULL AND f.last_failed_at >= %(since)s::timestamptz) AS quarantined
FROM worker_notifications AS n
WHERE n.received_at >= %(since)s::timestamptz
