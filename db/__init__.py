"""All knowledge of SQL. Imports nothing of ours."""
