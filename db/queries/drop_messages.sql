-- Withholds what waits to be told about alerts that have ended: it is old news.
SELECT buybox_withhold_messages(a.id, 'suppressed', %(reason)s::text)
FROM unnest(%(alert_ids)s::bigint[]) AS a (id)
