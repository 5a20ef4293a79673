-- New alerts, with the ids drawn for them. A subject that already has an open one keeps it: the
-- caller compares the number of rows with the number sent, and reads again.
INSERT INTO alerts (
    id, seller_id, marketplace_id, asin, item_condition, kind, severity, condition, attention,
    first_seen, last_seen, last_event_time, waiting_since, resolution, resolved_at, resolved_by,
    acknowledged_by, acknowledged_at, assignee, note, snooze_until, snoozed_by, looked_at,
    occurrences, below_critical_since, below_high_since, below_warning_since, unknown_since,
    inhibited_by, still_true_since, delivered_at, last_told_at, timeout_from, escalation_level,
    owed, due_at, supersedes, superseded_by, flap_seen, unstable_since, flap_peak,
    profit_at_stake_per_day, currency, facts, trace_id, last_heard, story_told_at, updated_at
)
OVERRIDING SYSTEM VALUE
SELECT n.id, n.seller_id, n.marketplace_id, n.asin, n.item_condition, n.kind, n.severity,
       n.condition, n.attention, n.first_seen, n.last_seen, n.last_event_time, n.waiting_since,
       n.resolution, n.resolved_at, n.resolved_by, n.acknowledged_by, n.acknowledged_at,
       n.assignee, n.note, n.snooze_until, n.snoozed_by, n.looked_at, n.occurrences,
       n.below_critical_since, n.below_high_since, n.below_warning_since, n.unknown_since,
       n.inhibited_by, n.still_true_since, n.delivered_at, n.last_told_at, n.timeout_from,
       n.escalation_level, n.owed, n.due_at, n.supersedes, n.superseded_by, n.flap_seen,
       n.unstable_since, n.flap_peak, n.profit_at_stake_per_day, n.currency, n.facts, n.trace_id,
       n.last_heard, n.story_told_at,
       %(now)s::timestamptz
FROM json_populate_recordset(NULL::alerts, %(rows)s::json) AS n
ORDER BY n.id
ON CONFLICT (subject_key) WHERE attention <> 'resolved' DO NOTHING
