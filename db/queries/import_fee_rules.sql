-- An import of fee rules: new ones, replaced ones, and the same ones left alone.
SELECT i.inserted, i.updated, i.unchanged
FROM buybox_import_fee_rules(%(rows)s::jsonb, %(now)s::timestamptz) AS i
