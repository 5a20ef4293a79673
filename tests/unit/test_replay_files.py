"""Which bodies come out of which files."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.ingest.notification import MAX_BODY_BYTES
from worker.ingest.replay import find_files, read_files


def bodies(path: Path) -> list[bytes]:
    return [one.arrival.body for one in read_files(find_files([str(path)]))]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": 1}', [b'{"a": 1}']),
        (b'{\n "a": 1\n}\n', [b'{\n "a": 1\n}\n']),
        (b'{"a": 1}\n{"b": 2}\n', [b'{"a": 1}', b'{"b": 2}']),
        (b'\n\n{"a": 1}\n\n{"b": 2}', [b'{"a": 1}', b'{"b": 2}']),
        (b'{"a": 1}\nbroken\n{"b": 2}', [b'{"a": 1}', b"broken", b'{"b": 2}']),
        (b"<xml>\n</xml>", [b"<xml>\n</xml>"]),
        (b"[1]\n[2]\n", [b"[1]\n[2]\n"]),
        (b"[" * 200_000, [b"[" * 200_000]),
        (b"", [b""]),
    ],
    ids=[
        "document",
        "pretty",
        "lines",
        "blank-lines",
        "broken-line",
        "xml",
        "lists",
        "deep",
        "empty",
    ],
)
def test_a_file_is_one_body_unless_its_first_line_is_a_whole_object(
    tmp_path: Path, content: bytes, expected: list[bytes]
) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    assert bodies(file) == expected


def test_a_folder_is_read_in_order_without_hidden_or_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    wanted = ["a.jsonl", "b.json", "d.JSON", "e.txt", "f.xml", "message-id", "sub/c.ndjson"]
    for name in (*reversed(wanted), ".hidden.json", "README.md", "x.png"):
        (tmp_path / name).write_text("{}")
    found = [str(Path(f).relative_to(tmp_path)) for f in find_files([str(tmp_path)])]
    assert found == wanted


def test_a_file_that_is_named_is_read_whatever_its_suffix(tmp_path: Path) -> None:
    file = tmp_path / "export.log"
    file.write_text("{}")
    assert find_files([str(file)]) == [str(file)]


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        find_files([str(tmp_path / "nothing")])


def test_lines_know_their_place(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(b'{"a": 1}\n\n{"b": 2}\n')
    assert [one.place for one in read_files([str(file)])] == [f"{file}:1", f"{file}:3"]


def test_a_huge_file_is_cut_just_over_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(b"[" + b"1," * MAX_BODY_BYTES)
    (body,) = bodies(file)
    assert MAX_BODY_BYTES < len(body) < MAX_BODY_BYTES * 3


def test_a_body_of_many_lines_is_read_whole_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    content = b"[\n" + b"1,\n" * (MAX_BODY_BYTES // 3 - 2) + b"1]"
    assert MAX_BODY_BYTES - 10 < len(content) <= MAX_BODY_BYTES
    file.write_bytes(content)
    assert bodies(file) == [content]
