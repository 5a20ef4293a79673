"""The dashboard backend: one listening connection, many browsers."""
