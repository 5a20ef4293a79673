-- The settings of the alerts: how long, how often, how many.
SELECT s.clear_hold, s.dedupe_window, s.repeat_interval, s.snooze_default, s.snooze_max,
       s.escalate_after, s.escalation_levels, s.escalation_limit, s.auto_resolve_after,
       s.flapping_enter_pct, s.flapping_leave_pct, s.flapping_horizon, s.burst_limit,
       s.burst_window, s.batch_every, s.digest_hour, s.digest_zone
FROM alert_settings AS s
