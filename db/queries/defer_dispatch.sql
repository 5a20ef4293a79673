-- A job that decides who hears of the messages that are due; NULL is at once. It takes no lock of the
-- queue's, which would hold back whatever comes behind it.
SELECT procrastinate_defer_jobs_v1(ARRAY[
    ROW (
        'delivery', 'dispatch_alerts', 100, NULL, NULL, '{"timestamp": 0}', %(at)s::timestamptz
    )::procrastinate_job_to_defer_v1
])
