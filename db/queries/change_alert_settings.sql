-- Changes the given settings of the alerts; NULL leaves one as it is.
UPDATE alert_settings AS s
SET clear_hold = COALESCE(%(clear_hold)s::interval, s.clear_hold),
    dedupe_window = COALESCE(%(dedupe_window)s::interval, s.dedupe_window),
    repeat_interval = COALESCE(%(repeat_interval)s::interval, s.repeat_interval),
    snooze_default = COALESCE(%(snooze_default)s::interval, s.snooze_default),
    snooze_max = COALESCE(%(snooze_max)s::interval, s.snooze_max),
    escalate_after = COALESCE(%(escalate_after)s::interval, s.escalate_after),
    escalation_levels = COALESCE(%(escalation_levels)s::integer, s.escalation_levels),
    escalation_limit = COALESCE(%(escalation_limit)s::interval, s.escalation_limit),
    auto_resolve_after = COALESCE(%(auto_resolve_after)s::interval, s.auto_resolve_after),
    flapping_enter_pct = COALESCE(%(flapping_enter_pct)s::integer, s.flapping_enter_pct),
    flapping_leave_pct = COALESCE(%(flapping_leave_pct)s::integer, s.flapping_leave_pct),
    flapping_horizon = COALESCE(%(flapping_horizon)s::interval, s.flapping_horizon),
    burst_limit = COALESCE(%(burst_limit)s::integer, s.burst_limit),
    burst_window = COALESCE(%(burst_window)s::interval, s.burst_window),
    batch_every = COALESCE(%(batch_every)s::interval, s.batch_every),
    digest_hour = COALESCE(%(digest_hour)s::integer, s.digest_hour),
    digest_zone = COALESCE(%(digest_zone)s::text, s.digest_zone)
RETURNING s.*
