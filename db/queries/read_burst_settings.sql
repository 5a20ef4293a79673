-- Dispatch: how many products within how long are a burst.
SELECT s.burst_limit, s.burst_window FROM alert_settings AS s
