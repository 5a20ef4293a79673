-- Opens alerts again that ended by hand or by timeout. In the order of the ids; several are locked
-- before (hold_alerts).
SELECT a.id AS alert_id, r.done, r.code, r.message
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS a (id, place)
CROSS JOIN LATERAL buybox_reopen_alert(
    a.id, %(who)s::text, COALESCE(%(now)s::timestamptz, now())
) AS r
ORDER BY a.place
