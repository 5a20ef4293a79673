"""Every statement of the house: it plans, it says why it exists, and one function sends it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import msgspec
import psycopg
import pytest

from db import catalogue, economy
from db.sql import query, query_names, struct_row

ROOT = Path(__file__).parents[2]
PARAMETER = re.compile(r"%\((\w+)\)[sb]")
UNCAST = re.compile(r"%\(\w+\)[sb](?!::)")
STATEMENT = re.compile(
    r"\b(SELECT\s+\S.*\bFROM\b|SELECT\s+\w+\s*\(|INSERT\s+INTO\b|UPDATE\s+\w+\s+SET\b|DELETE\s+FROM\b)",
    re.IGNORECASE | re.DOTALL,
)
SHOUTED = re.compile(r"\b(SELECT|INSERT|DELETE|UPDATE)\b\s+\S")


def nulls(name: str) -> dict[str, None]:
    return dict.fromkeys(PARAMETER.findall(query(name)))


def test_there_are_statements():
    assert len(query_names()) > 20


@pytest.mark.parametrize("name", query_names())
def test_every_statement_plans_on_a_migrated_database(name, scratch):
    assert scratch.execute(f"EXPLAIN {query(name)}", nulls(name) or None).fetchall()


@pytest.mark.parametrize("name", query_names())
def test_every_statement_begins_with_why_it_exists(name):
    first_line = query(name).splitlines()[0]
    assert re.match(r"-- \w.{20,}", first_line), f"{name}.sql begins with {first_line!r}"


@pytest.mark.parametrize("name", query_names())
def test_every_parameter_carries_a_cast(name):
    assert not UNCAST.findall(query(name))


def senders() -> dict[str, list[str]]:
    """Query name to the functions of db/*.py that ask for it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "db").glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
            for call in (n for n in ast.walk(function) if isinstance(n, ast.Call)):
                if isinstance(call.func, ast.Name) and call.func.id == "query":
                    assert isinstance(call.args[0], ast.Constant), f"{path.name}: not a plain name"
                    found[call.args[0].value].append(f"{path.name}:{function.name}")
    return found


def test_every_statement_is_sent_by_exactly_one_function():
    found = senders()
    assert set(found) == set(query_names())
    assert {name: who for name, who in found.items() if len(who) != 1} == {}


def names(node: ast.AST, called: str) -> list[str]:
    """What the calls of this function within a node are given first: a name or a text."""
    given = [
        call.args[0]
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == called
    ]
    return [one.id if isinstance(one, ast.Name) else one.value for one in given]


def taken_by_place() -> list[tuple[str, tuple[str, ...]]]:
    """Statements whose rows become named tuples as they come, and the fields of these."""
    found = [("read_costs", ("version", *economy.CostRow._fields))]
    for path in sorted((ROOT / "db").glob("*.py")):
        module = import_module(f"db.{path.stem}")
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef):
                acts = ["Acted"] if ast.unparse(function).count("return _act(") else []
                for row in (*names(function, "args_row"), *acts):
                    fields = (ROW_OF.get(row) or getattr(module, row))._fields
                    found += [(name, fields) for name in names(function, "query")]
    return found


ROW_OF = {"_fee_rule": catalogue.FeeRuleRow}


@pytest.mark.parametrize(("name", "fields"), taken_by_place())
def test_rows_that_are_taken_by_place_have_the_columns_of_their_fields(name, fields, scratch):
    """Two columns of one type in the other order would be each other's, and nobody would know."""
    statement = PARAMETER.sub("NULL", query(name)).replace("%%", "%")
    scratch.pgconn.prepare(b"", statement.encode())
    told = scratch.pgconn.describe_prepared(b"")
    assert tuple(told.fname(n).decode() for n in range(told.nfields)) == fields


def texts(tree: ast.Module) -> list[tuple[int, str]]:
    """Every text in the code that is no docstring."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [n.body for n in ast.walk(tree) if isinstance(n, documented)]
    statements = [s for body in bodies for s in body if isinstance(s, ast.Expr)]
    docstrings = {id(s.value) for s in statements}
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]


@pytest.mark.parametrize(
    ("text", "is_sql"),
    [
        ("SELECT 1", True),
        ("select id from worker_notifications", True),
        ("DELETE FROM procrastinate_jobs", True),
        ("update current_state\n  set version = 1", True),
        ("update the settings, then start again", False),
        ("select one with --type", False),
    ],
)
def test_sql_is_told_from_prose(text, is_sql):
    assert bool(STATEMENT.search(text) or SHOUTED.search(text)) is is_sql


@pytest.mark.parametrize("room", ["worker", "api", "economics", "process"])
def test_no_other_room_holds_sql(room):
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text[:60]}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, text in texts(ast.parse(path.read_text("utf-8")))
        if STATEMENT.search(text) or SHOUTED.search(text)
    ]
    assert found == []


class _Pair(msgspec.Struct):
    one: int
    other: int


def test_a_column_that_is_missing_is_an_error_of_the_database_that_names_it(scratch):
    """As during a deploy: whoever waits out an error of the database waits that out too."""
    with scratch.cursor(row_factory=struct_row(_Pair)) as cur:
        assert cur.execute("SELECT 2 AS other, 3 AS more, 1 AS one").fetchall() == [_Pair(1, 2)]
        with pytest.raises(psycopg.ProgrammingError, match="the statement gave no other"):
            cur.execute("SELECT 1 AS one").fetchall()
