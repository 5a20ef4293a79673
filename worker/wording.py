"""Words that commands, findings and messages share."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A count with its noun: 1 job, 2 jobs, 0 jobs."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
