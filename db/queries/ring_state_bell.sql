-- T2, last statement: one bell for the whole transaction. NOTIFY takes an instance-wide lock until
-- commit, so nothing may follow it.
SELECT pg_notify('buybox_state', buybox_bell_payload(%(products)b::text[], %(severities)b::text[]))
