-- What else the doctor asks of a migrated database: whether it takes writes, whether this login has
-- each right that db/code/grants gives to workers (one by one: given a list, has_table_privilege
-- asks for any of them), which partitions ahead are missing, and what time it is there.
SELECT clock_timestamp() AS server_time,
       current_setting('transaction_read_only')::boolean AS is_read_only,
       pg_is_in_recovery() AS is_standby,
       ARRAY(
           SELECT p.privilege || ' on ' || t.name
           FROM (
               VALUES (
                   ARRAY[
                       'alembic_version', 'schema_components', 'feed_epoch',
                       'notification_bodies_default', 'competitive_history_default'
                   ],
                   ARRAY['SELECT']
               ), (
                   ARRAY['fee_book', 'alert_settings'],
                   ARRAY['SELECT', 'UPDATE']
               ), (
                   ARRAY[
                       'notification_bodies', 'competitive_history', 'alert_events',
                       'alert_delivery_items'
                   ],
                   ARRAY['SELECT', 'INSERT']
               ), (
                   ARRAY[
                       'worker_notifications', 'worker_failures', 'current_state', 'worker_counters',
                       'products', 'fee_rules', 'seller_terms', 'alerts', 'alert_queues',
                       'alert_deliveries'
                   ],
                   ARRAY['SELECT', 'INSERT', 'UPDATE']
               ), (
                   ARRAY[
                       'worker_heartbeats', 'reassessments', 'alert_tallies', 'alert_routes',
                       'api_tokens', 'api_requests', 'procrastinate_jobs', 'procrastinate_events',
                       'procrastinate_workers', 'procrastinate_periodic_defers'
                   ],
                   ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']
               )
           ) AS g (tables, privileges),
           unnest(g.tables) AS t (name),
           unnest(g.privileges) AS p (privilege)
           WHERE NOT has_table_privilege(t.name, p.privilege)
           UNION ALL
           SELECT 'USAGE on ' || c.relname
           FROM pg_sequence AS s
           JOIN pg_class AS c ON c.oid = s.seqrelid AND c.relnamespace = 'public'::regnamespace
           WHERE NOT has_sequence_privilege(s.seqrelid, 'USAGE')
           UNION ALL
           SELECT 'EXECUTE on ' || f.name
           FROM unnest(ARRAY[
               'buybox_ensure_partitions', 'buybox_ring_alert_bell', 'buybox_withhold_messages',
               'buybox_acknowledge_alert', 'buybox_unacknowledge_alert', 'buybox_assign_alert',
               'buybox_note_alert', 'buybox_snooze_alert', 'buybox_resolve_alert',
               'buybox_reopen_alert'
           ]) AS f (name)
           WHERE NOT has_function_privilege(f.name::regproc, 'EXECUTE')
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
