-- A job that sends what is due.
SELECT buybox_defer_dispatch()
