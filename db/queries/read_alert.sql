-- One alert in full, open or ended, as its row holds it.
SELECT a.*, now() AS read_at
FROM alerts AS a
WHERE a.id = %(alert_id)s::bigint
