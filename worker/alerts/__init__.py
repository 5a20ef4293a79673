"""Alerts: what is worth telling a person, from the first sighting to the last word. See `advance`.

The rules here are pure: no clock (`now` is a parameter), no database, no channel. They speak in
values (`values`), hear events (`events`) and obey settings (`settings`).
"""
