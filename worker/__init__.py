"""buybox: Amazon's notifications become competitive state in Postgres, live."""
