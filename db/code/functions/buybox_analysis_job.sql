-- What an analysis job looks like, said nowhere else. Its lock is the product, so procrastinate runs
-- one per product at a time; it has no queueing lock, since coalescing jobs by that loses wake-ups. Its
-- priority is its due order, or that of the jobs whose place it takes.
CREATE OR REPLACE FUNCTION buybox_analysis_job(
    p_row_id bigint,
    p_received_at timestamptz,
    p_product_key text,
    p_trace_id text,
    p_head_start_s integer,
    p_priority integer DEFAULT NULL
)
    RETURNS procrastinate_job_to_defer_v1
    LANGUAGE sql
    STABLE
AS $$
    SELECT ROW (
        'analysis',
        'analyse_product',
        COALESCE(p_priority, buybox_due_order(p_received_at, p_head_start_s)),
        p_product_key,
        NULL,
        jsonb_build_object('product', p_product_key, 'notification', p_row_id, 'trace_id', p_trace_id),
        NULL
    )::procrastinate_job_to_defer_v1
$$;
