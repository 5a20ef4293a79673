"""Other queues with the same analysis in their handlers, each set up as its documentation advises.

A peer is a module with `install(url)`, `open_desk(url)` (a context manager giving a function that
files one batch) and `work(url)`, which runs until SIGTERM.
"""
