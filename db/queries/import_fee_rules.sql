-- An import of fee rules: adds new ones, replaces changed ones and leaves the others alone.
SELECT i.inserted, i.updated, i.unchanged
FROM buybox_import_fee_rules(%(rows)s::jsonb, %(now)s::timestamptz) AS i
