-- T2, at its end: one bell for all states of the transaction. NOTIFY takes an instance-wide lock
-- until commit, so nothing but the other bell may follow.
SELECT pg_notify('buybox_state', buybox_bell_payload(%(products)b::text[], %(severities)b::text[]))
