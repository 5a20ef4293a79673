-- The terms of some sellers in some marketplaces on any day of a period.
SELECT t.seller_id, t.marketplace_id, t.valid_from, t.valid_to, t.vat_registered,
       t.fee_vat_recoverable, t.wanted_margin
FROM seller_terms AS t
WHERE t.seller_id = ANY (%(seller_ids)s::text[])
  AND t.marketplace_id = ANY (%(marketplace_ids)s::text[])
  AND t.valid_from <= %(last_day)s::date
  AND (t.valid_to IS NULL OR t.valid_to > %(first_day)s::date)
ORDER BY t.seller_id, t.marketplace_id, t.valid_from
