-- What a service asks before it begins. The table is looked up by name, so that an empty database
-- answers too.
SELECT t.oid IS NOT NULL AS is_migrated,
       coalesce(has_table_privilege(t.oid, 'INSERT'), false) AS may_work
FROM (SELECT to_regclass('worker_notifications') AS oid) AS t
