-- Re-assessment: how many products wait each by itself. Read only when a piece has failed.
SELECT count(*) FROM reassessments WHERE cardinality(asins) = 1
