-- Makes the partitions of the days and weeks ahead; returns the names of those it made.
SELECT buybox_ensure_partitions(%(now)s::timestamptz) AS partition
