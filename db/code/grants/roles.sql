-- Two group roles. ops_reader sees the views of schema ops and nothing else; buybox_worker may do
-- what ingesters and workers do, and no more (no DDL). Grant them to login roles:
--     GRANT ops_reader TO alice;
-- Roles belong to the whole cluster: where we may not make them, the deploy goes on and
-- `buybox doctor` says so.
DO $$
DECLARE
    _role text;
BEGIN
    FOREACH _role IN ARRAY ARRAY['ops_reader', 'buybox_worker'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = _role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', _role);
            EXCEPTION
                -- unique_violation: another database of the cluster made it at this very moment
                WHEN duplicate_object OR unique_violation THEN NULL;
                WHEN insufficient_privilege THEN
                    RAISE NOTICE 'role % could not be made: no CREATEROLE', _role;
            END;
        END IF;
    END LOOP;

    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'ops_reader') THEN
        GRANT USAGE ON SCHEMA ops TO ops_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA ops TO ops_reader;
    END IF;

    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'buybox_worker') THEN
        GRANT USAGE ON SCHEMA public, ops TO buybox_worker;
        GRANT SELECT ON ALL TABLES IN SCHEMA ops TO buybox_worker;
        GRANT SELECT ON alembic_version, schema_components, feed_epoch TO buybox_worker;
        -- What was received, what became of it and who did what is only added to, never changed.
        GRANT SELECT, INSERT ON
            notification_bodies, competitive_history, alert_events, alert_delivery_items
        TO buybox_worker;
        GRANT SELECT, INSERT, UPDATE ON
            worker_notifications, worker_failures, current_state, worker_heartbeats, worker_counters,
            products, fee_rules, seller_terms, reassessments,
            alerts, alert_queues, alert_deliveries, alert_tallies, alert_routes,
            api_tokens, api_requests
        TO buybox_worker;
        -- for the doctor, which counts their rows: a partition named directly needs a grant of its own
        GRANT SELECT ON notification_bodies_default, competitive_history_default TO buybox_worker;
        GRANT SELECT, INSERT, UPDATE, DELETE ON
            procrastinate_jobs, procrastinate_events, procrastinate_workers,
            procrastinate_periodic_defers
        TO buybox_worker;
        GRANT SELECT, UPDATE ON fee_book, alert_settings TO buybox_worker;
        GRANT DELETE ON worker_heartbeats, reassessments, alert_tallies, alert_routes,
            api_tokens, api_requests TO buybox_worker;
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO buybox_worker;
        GRANT EXECUTE ON FUNCTION
            buybox_ensure_partitions, buybox_ring_alert_bell, buybox_withhold_messages,
            buybox_acknowledge_alert, buybox_unacknowledge_alert, buybox_assign_alert,
            buybox_note_alert, buybox_snooze_alert, buybox_resolve_alert, buybox_reopen_alert
        TO buybox_worker;
        -- Granted by earlier versions, and needed by nobody.
        REVOKE UPDATE ON
            notification_bodies, competitive_history, alert_events, alert_delivery_items
        FROM buybox_worker;
        REVOKE INSERT ON alert_settings FROM buybox_worker;
    END IF;
END;
$$;
