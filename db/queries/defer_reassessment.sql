-- Defers a job for what waits to be re-assessed, unless one is in line. That is enough: each minute's
-- job would otherwise begin a line of turns beside those of the minutes before, and messages would
-- wait for all of them.
SELECT buybox_defer_reassessment()
WHERE NOT EXISTS (
    SELECT
    FROM procrastinate_jobs AS j
    WHERE j.queue_name = 'maintenance' AND j.task_name = 'reassess' AND j.status = 'todo'
)
