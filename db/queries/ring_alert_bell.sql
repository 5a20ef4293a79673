-- One bell for all alerts of the transaction. NOTIFY takes an instance-wide lock until commit, so
-- nothing but the other bell may follow.
SELECT pg_notify('buybox_alerts', buybox_bell_payload(%(products)s::text[], %(severities)s::text[]))
