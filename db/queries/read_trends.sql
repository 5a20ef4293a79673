-- The history of a product for the charts, newest first. An event is never recorded before it
-- happened, so the condition on recorded_at skips earlier partitions.
SELECT h.marketplace_id, h.item_condition, h.audience, h.seller_id, h.event_time, h.severity, h.currency,
       h.your_price, h.market_low, h.prime_low, h.buy_box_price, h.your_position, h.total_offers,
       h.buy_box_winner
FROM competitive_history AS h
WHERE h.asin = %(asin)s::text
  AND h.marketplace_id = ANY (
      COALESCE(%(marketplaces)s::text[], ARRAY(
          SELECT DISTINCT s.marketplace_id FROM current_state AS s WHERE s.asin = %(asin)s::text
      ))
  )
  AND h.kind = 'market'
  AND h.outcome <> 'rejected'
  AND h.event_time >= %(since)s::timestamptz
  AND h.recorded_at >= %(since)s::timestamptz
ORDER BY h.event_time DESC
LIMIT %(max_rows)s::integer
