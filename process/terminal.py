"""Text of others on a terminal."""

from __future__ import annotations


def plain(text: str, *, keep: str = "") -> str:
    """The text without what a terminal would obey, but for the characters to `keep`."""
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text
    )
