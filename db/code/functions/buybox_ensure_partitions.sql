-- Makes the partitions of the days and weeks ahead, and says which it made. Run at every migration
-- and every hour; two at once are serialised by the advisory lock. ATTACH instead of PARTITION OF:
-- it takes no lock that a running insert would have to wait for. Rows that came before their partition
-- are in the default one and are moved first: Postgres refuses a partition whose rows are there, and
-- one late day would stop every later one, and every deploy.
-- Analyses need the default partition too, and queue up behind us while we wait for a backup or for
-- somebody's long SELECT to release it. So we give up soon; there are two weeks to try again in.
-- SECURITY DEFINER, because the hourly task runs as buybox_worker, which may not create tables.
CREATE OR REPLACE FUNCTION buybox_ensure_partitions(
    p_now   timestamptz,
    p_days  integer DEFAULT 14,
    p_weeks integer DEFAULT 8
)
    RETURNS SETOF text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = public, pg_temp
    SET timezone = 'UTC'
    SET lock_timeout = '10s'
AS $$
DECLARE
    _part record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('buybox_ensure_partitions'));
    PERFORM set_config('lock_timeout', '1s', true);

    FOR _part IN
        SELECT 'notification_bodies' AS parent,
               'received_on' AS key,
               format('notification_bodies_%s', to_char(d, 'YYYYMMDD')) AS name,
               quote_literal(d::date) AS lower_bound,
               quote_literal((d + interval '1 day')::date) AS upper_bound
        FROM generate_series(
            date_trunc('day', p_now) - interval '1 day',
            date_trunc('day', p_now) + make_interval(days => p_days),
            interval '1 day'
        ) AS d
        UNION ALL
        SELECT 'competitive_history',
               'recorded_at',
               format('competitive_history_%s', to_char(w, 'IYYY"w"IW')),
               quote_literal(w),
               quote_literal(w + interval '1 week')
        FROM generate_series(
            date_trunc('week', p_now) - interval '1 week',
            date_trunc('week', p_now) + make_interval(weeks => p_weeks),
            interval '1 week'
        ) AS w
    LOOP
        CONTINUE WHEN to_regclass(quote_ident(_part.name)) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', _part.name, _part.parent);
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', _part.parent || '_default');
        EXECUTE format(
            'WITH early AS (DELETE FROM %1$I WHERE %2$I >= %3$s AND %2$I < %4$s RETURNING *)
             INSERT INTO %5$I SELECT * FROM early',
            _part.parent || '_default', _part.key, _part.lower_bound, _part.upper_bound, _part.name
        );
        EXECUTE format(
            'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            _part.parent, _part.name, _part.lower_bound, _part.upper_bound
        );
        RETURN NEXT _part.name;
    END LOOP;
END;
$$;
REVOKE EXECUTE ON FUNCTION buybox_ensure_partitions FROM public;
