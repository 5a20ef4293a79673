"""What could not be taken from a file, line by line: told on the terminal, kept in a file."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from typing import TextIO

from process.terminal import plain

SHOWN = 20
"""Rejects kept in memory for the terminal; all of them go to the rejects file."""
MAX_VALUE_CHARACTERS = 200
HEADER = ("line", "field", "reason", "problem", "value")


@dataclass(frozen=True, slots=True)
class Reject:
    """One thing that is wrong with a line. `reason` is one of a small set, `problem` a sentence."""

    line: int
    field: str
    reason: str
    problem: str
    value: str = ""

    def cells(self) -> tuple[str, str, str, str, str]:
        """For the rejects file and the terminal: nothing that either would take for a command."""
        return (
            str(self.line),
            self.field,
            self.reason,
            printable(self.problem),
            printable(self.value),
        )


@dataclass(slots=True)
class Rejects:
    """Every reject of an import: counted, the first few kept, all written to `file` if given.

    `lines` counts the lines rejected; one line may be wrong in several fields.
    """

    file: TextIO | None = None
    lines: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    first: list[Reject] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.file is not None:
            csv.writer(self.file, lineterminator="\n").writerow(HEADER)

    def add(self, problems: list[Reject]) -> None:
        """All that is wrong with one line."""
        self.lines += 1
        for one in problems:
            self.reasons[one.reason] += 1
            if len(self.first) < SHOWN:
                self.first.append(one)
            if self.file is not None:
                csv.writer(self.file, lineterminator="\n").writerow(one.cells())


def printable(value: str) -> str:
    """Text to show and keep: control characters and broken UTF-8 as escapes, cut short."""
    return plain(value[:MAX_VALUE_CHARACTERS])
