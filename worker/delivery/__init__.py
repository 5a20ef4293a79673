"""Delivery: who hears of an alert, in what words, through which channel, and how that went.

`dispatch` decides and writes rows, `courier` sends what the rows say. docs/decisions/0016.
"""
