-- Re-assessment: the piece of work whose attempt we counted, locked until it is done. Not if it was
-- done meanwhile, or counted once more: then our wait was over before we came, and another has it.
SELECT r.id
FROM reassessments AS r
WHERE r.id = %(id)s::bigint AND r.failures = %(failures)s::integer
FOR UPDATE SKIP LOCKED
