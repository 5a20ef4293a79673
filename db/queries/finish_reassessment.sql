-- Re-assessment: a piece of work is done; it goes with the states it wrote, or not at all.
DELETE FROM reassessments WHERE id = %(id)s::bigint
