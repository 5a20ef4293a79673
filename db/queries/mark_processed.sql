-- T2: the mark that makes the effects happen once: it commits with them or not at all.
UPDATE worker_notifications AS n
SET status = 'processed',
    outcome = m.outcome,
    severity = m.severity,
    policy = m.policy,
    processed_at = %(processed_at)s::timestamptz,
    processed_by = %(worker_id)s::text,
    processing_ms = %(processing_ms)s::real,
    next_attempt_at = NULL
FROM unnest(
    %(row_id)b::bigint[], %(outcome)b::text[], %(severity)b::text[], %(policy)b::text[]
) AS m (id, outcome, severity, policy)
WHERE n.id = m.id AND n.status = 'waiting'
