-- An import of products: writes the waiting room into the catalogue, only what changes.
SELECT a.inserted, a.updated, a.unchanged
FROM buybox_apply_staged_products(%(columns)s::text[], %(now)s::timestamptz) AS a
