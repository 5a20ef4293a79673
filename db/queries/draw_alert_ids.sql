-- Ids for new alerts and events, so that rows of one transaction can name each other. Drawn while
-- the subjects are locked, so that of two alerts of a subject the later one has the higher id.
SELECT
    ARRAY (
        SELECT nextval(pg_get_serial_sequence('alerts', 'id'))
        FROM generate_series(1, %(alerts)s::integer)
    ) AS alert_ids,
    ARRAY (
        SELECT nextval(pg_get_serial_sequence('alert_events', 'id'))
        FROM generate_series(1, %(events)s::integer)
    ) AS event_ids
