-- What waits to be told of alerts that have ended otherwise is old news.
SELECT buybox_withhold_messages(a.id, 'suppressed', %(reason)s::text)
FROM unnest(%(alert_ids)s::bigint[]) AS a (id)
