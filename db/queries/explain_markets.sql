-- What is known of one ASIN's market, to explain its prices: each of its states, with the facts of
-- its newest message while they are kept.
SELECT s.seller_id, s.item_condition, s.audience, s.currency, s.your_price, s.own_price_unknown,
       s.market_low, s.competitor_low, s.prime_low, s.buy_box_winner, s.event_time,
       s.doubt_since, s.low_points, b.facts::text AS facts
FROM current_state AS s
LEFT JOIN worker_notifications AS n ON n.id = s.notification_row_id
LEFT JOIN notification_bodies AS b
    ON b.notification_id = n.id AND b.received_on = n.received_on
WHERE s.marketplace_id = %(marketplace_id)s::text
  AND s.asin = %(asin)s::text
ORDER BY s.seller_id, s.item_condition, s.audience DESC
