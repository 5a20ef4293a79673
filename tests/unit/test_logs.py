"""The log of every process: one JSON object a line, whose it is, and no chatter of libraries."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from process.logs import QUIET, configure_logs, get_logger
from process.settings import ProcessSettings


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged; logging is as it was afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, {name: logging.getLogger(name).level for name in QUIET}
    yield io.StringIO()
    root.handlers[:], root.level = before[0], before[1]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("process", ["api", "ingest"])
def test_each_line_says_which_process_wrote_it(written: io.StringIO, process: str) -> None:
    configure_logs(ProcessSettings(worker_id="w-1"), process=process, stream=written)
    get_logger("ours").info("stored", rows=3)
    logging.getLogger("theirs").warning("hm")
    ours, theirs = map(json.loads, written.getvalue().splitlines())
    assert {ours["process"], theirs["process"]} == {process}
    assert (ours["worker"], ours["event"], ours["rows"]) == ("w-1", "stored", 3)
    assert (theirs["logger"], theirs["level"]) == ("theirs", "warning")


@pytest.mark.parametrize("library", QUIET)
def test_of_chatty_libraries_only_warnings_are_written(written: io.StringIO, library: str) -> None:
    configure_logs(ProcessSettings(log_level="DEBUG"), process="api", stream=written)
    logging.getLogger(library).info("GET /api/state?cursor=secret")
    assert written.getvalue() == ""


def test_nothing_that_a_terminal_would_obey_stands_in_a_line_for_people(
    written: io.StringIO,
) -> None:
    configure_logs(ProcessSettings(log_format="console"), process="api", stream=written)
    clears, forged = "\x1b[2J\x9b1m", "\n2026-03-04T10:15:31Z [error] forged"
    given = {"path": f"/api/{clears}", "seen": [clears + forged]}
    get_logger("ours").error("broke", **given, exc_info=ValueError(clears))
    logging.getLogger("theirs").warning("%s", clears + forged)
    ours = re.sub(r"\x1b\[\d*m", "", written.getvalue())  # the colours
    assert ours.count(r"\x1b[2J\x9b1m") >= 4
    assert not any(c in ours for c in "\x1b\x9b")
    assert not any(line.startswith("2026-03-04T10:15:31Z") for line in ours.splitlines())
