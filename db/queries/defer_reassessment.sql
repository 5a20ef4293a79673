-- A job for what waits to be assessed anew.
SELECT buybox_defer_reassessment()
