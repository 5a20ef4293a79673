-- The settings of the alerts, for who looks at them or changes them.
SELECT s.*
FROM alert_settings AS s
