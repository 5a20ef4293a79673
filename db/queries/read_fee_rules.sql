-- The fees of some marketplaces that are in force on any day of a period: the general ones, and
-- those of some sellers.
SELECT f.rule_id, f.marketplace_id, f.seller_id, f.kind, f.category, f.size_tier, f.weight_up_to_g,
       f.fulfilment_channel, f.shape, f.price_up_to, f.rate, f.amount, f.minimum, f.applies_to,
       f.currency, f.valid_from, f.valid_to, f.source, f.source_date, f.note
FROM fee_rules AS f
WHERE f.marketplace_id = ANY (%(marketplace_ids)s::text[])
  AND (f.seller_id IS NULL OR f.seller_id = ANY (%(seller_ids)s::text[]))
  AND f.valid_from <= %(last_day)s::date
  AND (f.valid_to IS NULL OR f.valid_to > %(first_day)s::date)
ORDER BY f.marketplace_id, f.seller_id NULLS FIRST, f.rule_id
