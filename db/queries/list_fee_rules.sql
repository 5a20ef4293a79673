-- The fee schedule for people and for files: all of it, or one marketplace, category or day. Rules
-- that hold for any category are in force for each of them.
SELECT f.rule_id, f.marketplace_id, f.seller_id, f.kind, f.category, f.size_tier, f.weight_up_to_g,
       f.fulfilment_channel, f.shape, f.price_up_to, f.rate, f.amount, f.minimum, f.applies_to,
       f.currency, f.valid_from, f.valid_to, f.source, f.source_date, f.note
FROM fee_rules AS f
WHERE (%(marketplace_id)s::text IS NULL OR f.marketplace_id = %(marketplace_id)s::text)
  AND (%(category)s::text IS NULL OR f.category IS NULL OR f.category = %(category)s::text)
  AND (%(at)s::date IS NULL OR f.valid_from <= %(at)s::date)
  AND (%(at)s::date IS NULL OR f.valid_to IS NULL OR f.valid_to > %(at)s::date)
ORDER BY f.marketplace_id COLLATE "C", f.seller_id COLLATE "C" NULLS FIRST, f.kind,
         f.category COLLATE "C" NULLS FIRST, f.size_tier COLLATE "C" NULLS FIRST,
         f.weight_up_to_g NULLS LAST, f.valid_from, f.price_up_to NULLS LAST,
         f.rule_id COLLATE "C"
