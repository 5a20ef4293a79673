-- Marks these dead letters as dealt with, and keeps how.
UPDATE worker_failures AS f
SET resolved_at = %(now)s::timestamptz,
    resolution = r.resolution
FROM unnest(%(ids)s::bigint[], %(resolution)s::text[]) AS r (id, resolution)
WHERE f.id = r.id
