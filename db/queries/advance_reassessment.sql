-- Re-assessment: a marketplace is done up to this ASIN.
UPDATE reassessments SET done_up_to = %(asin)s::text WHERE id = %(id)s::bigint
