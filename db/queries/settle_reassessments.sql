-- Re-assessment: makes sure that no analysis still works with what was so before the changes.
SELECT buybox_settle_reassessments()
