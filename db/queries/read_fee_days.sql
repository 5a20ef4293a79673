-- The days in a period on which a fee or a seller's terms begin or end; seller NULL means all
-- sellers.
SELECT DISTINCT f.marketplace_id, f.seller_id, d.day
FROM (
    SELECT marketplace_id, seller_id, valid_from, valid_to FROM fee_rules
    UNION ALL
    SELECT marketplace_id, seller_id, valid_from, valid_to FROM seller_terms
) AS f
CROSS JOIN LATERAL (VALUES (f.valid_from), (f.valid_to)) AS d (day)
WHERE d.day BETWEEN %(first_day)s::date AND %(last_day)s::date
