CREATE VIEW ops.active_alerts AS
SELECT a.id,
       a.seller_id,
       a.marketplace_id,
       a.asin,
       a.item_condition,
       a.kind,
       p.title,
       a.fingerprint,
       a.severity,
       a.condition,
       a.attention,
       now() - COALESCE(a.still_true_since, a.first_seen) AS age,
       COALESCE(a.still_true_since, a.first_seen) AS true_since,
       a.first_seen,
       a.last_seen,
       a.unknown_since,
       a.occurrences,
       COALESCE(a.snooze_until > now(), false) AS is_snoozed,
       a.snooze_until,
       a.snoozed_by,
       a.assignee,
       a.acknowledged_by,
       a.acknowledged_at,
       a.note,
       a.escalation_level,
       a.delivered_at,
       a.last_told_at,
       a.inhibited_by,
       a.unstable_since,
       a.profit_at_stake_per_day,
       a.currency,
       a.facts,
       a.last_heard,
       a.supersedes,
       a.trace_id
FROM alerts AS a
LEFT JOIN LATERAL (
    -- A product may have several rows, one per SKU and channel, and a title in only one of them.
    SELECT min(p.title) AS title
    FROM products AS p
    WHERE p.marketplace_id = a.marketplace_id AND p.asin = a.asin
      AND p.item_condition = a.item_condition AND p.seller_id = a.seller_id
) AS p ON true
WHERE a.attention <> 'resolved'
ORDER BY array_position(ARRAY['critical', 'high', 'warning'], a.severity),
         a.profit_at_stake_per_day DESC NULLS LAST,
         COALESCE(a.still_true_since, a.first_seen), a.id;
COMMENT ON VIEW ops.active_alerts IS
    'Open it to see what needs somebody now: every open alert, whose it is and who snoozed it, the
worst first, then those with the most money at stake per day, then the oldest.';
