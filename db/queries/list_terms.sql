-- The terms of sellers for people: all, or one seller's or one marketplace's.
SELECT t.seller_id, t.marketplace_id, t.valid_from, t.valid_to, t.vat_registered,
       t.fee_vat_recoverable, t.wanted_margin
FROM seller_terms AS t
WHERE (%(seller_id)s::text IS NULL OR t.seller_id = %(seller_id)s::text)
  AND (%(marketplace_id)s::text IS NULL OR t.marketplace_id = %(marketplace_id)s::text)
ORDER BY t.seller_id, t.marketplace_id, t.valid_from
