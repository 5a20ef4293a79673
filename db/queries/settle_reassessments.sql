-- Re-assessment: makes sure that no analysis still works with what was before the changes.
SELECT buybox_settle_reassessments()
