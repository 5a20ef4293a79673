-- When analysed notifications came in and were done, newest first: the demo measures its latency by
-- them.
SELECT n.product_key, n.outcome, n.received_at, n.processed_at
FROM worker_notifications AS n
WHERE n.status = 'processed'
  AND n.received_at >= %(since)s::timestamptz
ORDER BY n.id DESC
LIMIT %(max_rows)s::integer
