-- What the doctor asks of a database.
SELECT (SELECT c.version FROM schema_components AS c WHERE c.component = 'procrastinate')
           AS procrastinate_version,
       EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'ops_reader') AS has_ops_reader,
       pg_notification_queue_usage() AS notification_queue_usage,
       (SELECT count(*) FROM notification_bodies_default) AS bodies_without_partition,
       (SELECT count(*) FROM competitive_history_default) AS history_without_partition,
       (SELECT c.value FROM worker_counters AS c WHERE c.name = 'swept_products') AS swept_products
