-- Redrive: the body of a failed notification that retention has dropped, among those of today: a day that
-- was dropped has no partition, and what lies in the default one would stay there.
WITH moved AS (
    UPDATE worker_notifications AS n
    SET received_on = (%(now)s::timestamptz AT TIME ZONE 'UTC')::date
    WHERE n.id = %(row_id)s::bigint AND n.status = 'failed'
    RETURNING n.id, n.received_on
)
INSERT INTO notification_bodies (notification_id, received_on, body, facts)
SELECT m.id, m.received_on, %(body)s::text, %(facts)s::json
FROM moved AS m
