-- Defers a job for what waits to be re-assessed.
SELECT buybox_defer_reassessment()
