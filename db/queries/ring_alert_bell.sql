-- Dispatch, last statement: one bell for the whole transaction, worst first, cut to fit.
SELECT pg_notify('buybox_alerts', buybox_bell_payload(%(products)s::text[], %(severities)s::text[]))
