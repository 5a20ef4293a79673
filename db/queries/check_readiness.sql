-- What the doctor asks of a migrated database besides: privileges one by one (a list in
-- has_table_privilege asks for any of them), the partitions ahead, and what time it is there.
SELECT clock_timestamp() AS server_time,
       ARRAY(
           SELECT p.privilege || ' on ' || t.name
           FROM (
               VALUES ('worker_notifications', ARRAY['SELECT', 'INSERT', 'UPDATE']),
                      ('notification_bodies', ARRAY['SELECT', 'INSERT']),
                      ('worker_failures', ARRAY['SELECT', 'INSERT', 'UPDATE']),
                      ('current_state', ARRAY['SELECT', 'INSERT', 'UPDATE']),
                      ('competitive_history', ARRAY['INSERT']),
                      ('worker_heartbeats', ARRAY['SELECT', 'INSERT', 'UPDATE']),
                      ('worker_counters', ARRAY['SELECT', 'INSERT', 'UPDATE']),
                      ('feed_epoch', ARRAY['SELECT']),
                      ('procrastinate_jobs', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
                      ('procrastinate_events', ARRAY['SELECT', 'INSERT']),
                      ('procrastinate_workers', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'])
           ) AS t (name, privileges),
           unnest(t.privileges) AS p (privilege)
           WHERE NOT has_table_privilege(t.name, p.privilege)
           ORDER BY 1
       ) AS missing_privileges,
       ARRAY(
           SELECT n.name
           FROM (
               VALUES ('notification_bodies_' || to_char(
                           (%(now)s::timestamptz + interval '1 day') AT TIME ZONE 'UTC', 'YYYYMMDD'
                       )),
                      ('competitive_history_' || to_char(
                           (%(now)s::timestamptz + interval '1 week') AT TIME ZONE 'UTC',
                           'IYYY"w"IW'
                       ))
           ) AS n (name)
           WHERE to_regclass(quote_ident(n.name)) IS NULL
           ORDER BY 1
       ) AS missing_partitions
