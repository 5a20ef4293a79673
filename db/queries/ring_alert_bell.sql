-- One bell for all alerts of the transaction, at its end: nothing but the other bell may follow.
SELECT buybox_ring_alert_bell(%(products)s::text[], %(severities)s::text[])
