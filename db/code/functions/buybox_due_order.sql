-- A job's priority as a place in time: later arrivals stand further back, a head start (seconds)
-- moves a job forward. So an urgent queue's jobs run first, and what has waited longer than the
-- head start is never passed again: priority without starvation, and without a task that ages jobs.
CREATE OR REPLACE FUNCTION buybox_due_order(p_received_at timestamptz, p_head_start_s integer)
    RETURNS integer
    LANGUAGE sql
    STABLE
    PARALLEL SAFE
RETURN p_head_start_s - floor(extract(epoch FROM p_received_at - timestamptz '2025-01-01 00:00+00'))::integer;
