-- T1: files a batch of notifications, each once, with its body and its job. A notification that any
-- of the three constraints already knows leaves no trace at all: no row, no body, no job, no bell.
-- A product needs one job, however much of it waits: none is added behind one that stands in line.
-- Rows go in by (notification_id, body_hash), the same order in every session, so that two ingesters
-- with the same messages queue instead of deadlocking.
WITH arrived AS (
    SELECT DISTINCT ON (a.body_hash) a.*
    FROM unnest(
        %(notification_type)b::text[], %(status)b::text[], %(seller_id)b::text[],
        %(marketplace_id)b::text[], %(asin)b::text[], %(item_condition)b::text[],
        %(audience)b::text[], %(event_time)b::timestamptz[], %(publish_time)b::timestamptz[],
        %(event_key)b::text[], %(message_id)b::text[], %(body_hash)b::bytea[],
        %(source_key)b::text[], %(notification_id)b::text[], %(trace_id)b::text[],
        %(source)b::text[], %(envelope)b::text[], %(sent_at)b::timestamptz[],
        %(receive_count)b::integer[], %(head_start_s)b::integer[], %(body)b::text[],
        %(facts)b::text[]
    ) WITH ORDINALITY AS a (
        notification_type, status, seller_id, marketplace_id, asin, item_condition, audience,
        event_time, publish_time, event_key, message_id, body_hash, source_key, notification_id,
        trace_id, source, envelope, sent_at, receive_count, head_start_s, body, facts, place
    )
    ORDER BY a.body_hash, a.place
),
stored AS (
    INSERT INTO worker_notifications (
        received_at, received_on, notification_type, status, seller_id, marketplace_id, asin,
        item_condition, audience, event_time, publish_time, event_key, message_id, body_hash,
        source_key, notification_id, trace_id, source, envelope, sent_at, receive_count, ingested_by
    )
    SELECT %(now)s::timestamptz, (%(now)s::timestamptz AT TIME ZONE 'UTC')::date,
           a.notification_type, a.status, a.seller_id, a.marketplace_id, a.asin, a.item_condition,
           a.audience, a.event_time, a.publish_time, a.event_key, a.message_id, a.body_hash,
           a.source_key, a.notification_id, a.trace_id, a.source, a.envelope, a.sent_at,
           a.receive_count, %(ingested_by)s::text
    FROM arrived AS a
    ORDER BY a.notification_id, a.body_hash
    ON CONFLICT DO NOTHING
    RETURNING id, received_at, received_on, body_hash, status, product_key, trace_id
),
bodies AS (
    INSERT INTO notification_bodies (notification_id, received_on, body, facts)
    SELECT s.id, s.received_on, a.body, a.facts::json
    FROM stored AS s
    JOIN arrived AS a USING (body_hash)
),
wanted AS (
    SELECT DISTINCT ON (s.product_key)
           s.id, s.received_at, s.product_key, s.trace_id,
           buybox_due_order(s.received_at, a.head_start_s) AS priority
    FROM stored AS s
    JOIN arrived AS a USING (body_hash)
    WHERE s.status = 'waiting'
    ORDER BY s.product_key, a.head_start_s DESC, s.id
),
-- The lock is what makes a job already in line good enough: until this commits nobody can take it, and
-- whoever takes it afterwards sees these rows. One that is locked already may have been taken: it is
-- passed over. So is one that ran before and was put back: its worker may be alive after all, and end it.
-- The status is asked for twice, once in the words of the index by product: with the statistics of an
-- empty queue the index of all that waits would look cheaper, and be read from its front.
in_line AS (
    SELECT w.product_key, first.id
    FROM wanted AS w
    CROSS JOIN LATERAL (
        SELECT j.id, j.priority
        FROM procrastinate_jobs AS j
        WHERE j.status IN ('todo', 'doing')
          AND j.status::text = 'todo'
          AND j.lock = w.product_key
          AND j.task_name = 'analyse_product'
          AND j.attempts = 0
        ORDER BY j.priority DESC, j.id
        LIMIT 1
        FOR SHARE OF j SKIP LOCKED
    ) AS first
    WHERE first.priority >= w.priority
),
jobs AS (
    SELECT array_agg(
        buybox_analysis_job(w.id, w.received_at, w.product_key, w.trace_id, 0, w.priority)
        ORDER BY w.id
    ) AS to_defer
    FROM wanted AS w
    WHERE w.product_key NOT IN (SELECT i.product_key FROM in_line AS i)
),
deferred AS (
    SELECT procrastinate_defer_jobs_v1(to_defer) AS ids FROM jobs WHERE to_defer IS NOT NULL
),
-- A worker that looked meanwhile has passed over the jobs locked here, and sleeps. New jobs ring by
-- themselves.
rung AS (
    SELECT buybox_ring_queue('analysis', min(i.id))
    FROM in_line AS i
    HAVING count(*) > 0 AND NOT EXISTS (SELECT FROM deferred)
)
SELECT COALESCE((SELECT array_agg(s.id ORDER BY s.id) FROM stored AS s), '{}') AS row_ids,
       COALESCE((SELECT array_agg(s.trace_id ORDER BY s.id) FROM stored AS s), '{}') AS trace_ids,
       (SELECT count(*) FROM stored AS s WHERE s.status = 'ignored') AS ignored,
       COALESCE((SELECT cardinality(ids) FROM deferred), 0) AS jobs
FROM (SELECT count(*) FROM rung) AS bells
