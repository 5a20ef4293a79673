"""Files as lines: what makes a whole file unusable, and what costs only its own line."""

from __future__ import annotations

import contextlib
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.catalogue.lines import MAX_LINE_BYTES, CsvFile, UnusableFileError
from worker.catalogue.rejects import SHOWN, Reject, Rejects

KNOWN = ("asin", "title", "unit_cost", "prep")


def opened(content: bytes) -> CsvFile:
    return CsvFile(io.BytesIO(content), known=KNOWN, required={"asin"})


def lines(content: bytes) -> list:
    return list(opened(b"asin,title\n" + content).lines())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\n \r\n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"asin;title;prep\nB1;x;1,20\n", "semicolons"),
        (b"asin\ttitle\n", "tabs"),
        (b"sep=;\nasin;title\n", "sep="),
        ("asin,title\n".encode("utf-16"), "UTF-16"),
        ("asin,title\n".encode("utf-16-be"), "UTF-16"),
        (b"asin,t\xeftle\n", "not UTF-8"),
        (b"asin,title\rB1,x\r", "CR alone"),
        (b"title,prep\n", "lacks asin"),
        (b"asin,unit_costs\n", "did you mean unit_cost?"),
        (b"asin,colour\n", "there are: asin, title, unit_cost, prep"),
        (b"asin,title,asin\n", "asin more than once"),
        (b'asin,"title\n', "not CSV"),
        (b"asin,\n", "no column ''"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_a_sentence(content, sentence):
    with pytest.raises(UnusableFileError, match=sentence.replace("?", r"\?")):
        opened(content)


@pytest.mark.parametrize(
    "header",
    [b"asin,title\n", b"\xef\xbb\xbfasin,title\r\n", b"\n\nASIN, Title \n", b'"asin","title"\n'],
)
def test_marks_blanks_and_case_in_the_header_do_not_matter(header):
    file = opened(header + b"B1,x\r\n\r\nB2,\n")
    assert file.columns == ("asin", "title")
    assert [line.cells for line in file.lines()] == [
        {"asin": "B1", "title": "x"},
        {"asin": "B2", "title": None},
    ]


@pytest.mark.parametrize(
    ("bad", "reason", "field"),
    [
        (b"B1", "wrong-column-count", "(line)"),
        (b"B1,x,y", "wrong-column-count", "(line)"),
        (b'B1,"open', "bad-quoting", "(line)"),
        (b'B1,"a"b', "bad-quoting", "(line)"),
        (b"B1,t\xe9t", "invalid-utf-8", "title"),
        (b"B\x001,x", "nul-character", "asin"),
        (b"B1,x\x07y", "control-character", "title"),
        (b"B1,x\ry", "control-character", "title"),
        (b'B1,"x\ry"', "control-character", "title"),
        ("B1,x\x85y".encode(), "control-character", "title"),
        (b"B1," + b"x" * MAX_LINE_BYTES, "line-too-long", "(line)"),
        (b"B1," + b"x" * 3 * MAX_LINE_BYTES, "line-too-long", "(line)"),
    ],
)
def test_a_bad_line_costs_itself_and_no_other(bad, reason, field):
    before, found, after = lines(b"B0,good\n" + bad + b"\nB2,good\n")
    assert (before.cells["asin"], after.cells["asin"]) == ("B0", "B2")
    assert isinstance(found, Reject)
    assert (found.line, found.reason, found.field) == (3, reason, field)
    assert after.number == 4


def test_the_last_line_needs_no_end():
    assert [line.cells["asin"] for line in lines(b"B1,x\nB2,y")] == ["B1", "B2"]


TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=10))
def test_what_csv_writes_is_read_back(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([("B" + a, b) for a, b in rows])
    found = lines(out.getvalue().encode())
    assert [(line.cells["asin"], line.cells["title"]) for line in found] == [
        (("B" + a).strip(), b.strip() or None) for a, b in rows
    ]


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reading(content):
    found = lines(content)
    assert len(found) <= content.count(b"\n") + 1
    with contextlib.suppress(UnusableFileError):
        list(opened(content).lines())


def test_rejects_are_all_written_and_only_the_first_are_kept():
    out = io.StringIO()
    rejects = Rejects(out)
    for number in range(1000):
        problems = [Reject(number, "title", "too-long", "at most 5", "=cmd()\x1b[31m\udce9")] * 2
        rejects.add(problems)
    assert (rejects.lines, len(rejects.first), rejects.reasons["too-long"]) == (1000, SHOWN, 2000)
    rows = list(csv.reader(io.StringIO(out.getvalue())))
    assert len(rows) == 2001
    assert rows[1] == ["0", "title", "too-long", "at most 5", r"=cmd()\x1b[31m\udce9"]
