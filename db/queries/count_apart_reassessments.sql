-- Re-assessment: how many products wait by themselves. Read only when a piece has failed.
SELECT count(*) FROM reassessments WHERE cardinality(asins) = 1
