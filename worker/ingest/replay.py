"""Notification files, read as arrivals: JSON documents, JSON lines, folders, standard input."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from worker.ingest.notification import MAX_BODY_BYTES, Arrival

STDIN = "-"
SUFFIXES = frozenset({".json", ".jsonl", ".ndjson", ".xml", ".txt", ""})
"""What is taken from a folder; a file that is named itself is always taken."""


@dataclass(frozen=True, slots=True)
class FileArrival:
    """An arrival with the place it came from, such as `offers.jsonl:17`."""

    place: str
    arrival: Arrival


def find_files(paths: Sequence[str]) -> list[str]:
    """The files that these paths name, folders opened and sorted. Raises FileNotFoundError."""
    found: list[str] = []
    for path in paths:
        if path == STDIN:
            found.append(path)
        elif Path(path).is_dir():
            found += sorted(str(p) for p in Path(path).rglob("*") if p.is_file() and _is_wanted(p))
        elif Path(path).is_file():
            found.append(path)
        else:
            raise FileNotFoundError(path)
    return found


def read_files(files: Sequence[str]) -> Iterator[FileArrival]:
    """Every notification of the files, one at a time: memory does not grow with the files."""
    for file in files:
        if file == STDIN:
            yield from _read(sys.stdin.buffer, "stdin")
        else:
            with Path(file).open("rb") as stream:
                yield from _read(stream, file)


def _read(stream: BinaryIO, place: str) -> Iterator[FileArrival]:
    """A file whose first line is a whole JSON object has one per line; any other is one body."""
    numbered = enumerate(stream, start=1)
    number, first = next(((n, line) for n, line in numbered if line.strip()), (0, b""))
    if not _is_whole_object(first):
        # One byte over the limit is enough for the door to say that it is over.
        yield FileArrival(place, Arrival(first + stream.read(MAX_BODY_BYTES + 1), source="replay"))
        return
    yield FileArrival(f"{place}:{number}", Arrival(first.strip(), source="replay"))
    for later, line in numbered:
        if line.strip():
            yield FileArrival(f"{place}:{later}", Arrival(line.strip(), source="replay"))


def _is_whole_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _is_wanted(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
