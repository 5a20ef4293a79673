"""Plans as values: what a statement read, and through which index."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from db.connect import connect
from db.params import columns
from db.rows import InboxRow
from db.sql import query
from tests.interleave import FILER
from worker.ingest.filing import inbox_row


@contextmanager
def filled_database(server, template, name, *statements) -> Iterator[str]:
    """The address of a database that holds what the statements write, with fresh statistics."""
    name = f"buybox_{name}_{os.getpid()}"
    with server.janitor(name, template_dbname=template):
        url = server.url_of(name)
        with connect(url, autocommit=True) as conn:
            for statement in statements:
                conn.execute(statement)
            conn.execute("VACUUM ANALYZE")
        yield url


@dataclass(frozen=True, repr=False)
class Plan:
    """What EXPLAIN (ANALYZE, BUFFERS) said."""

    root: dict

    def nodes(self, node=None):
        node = node or self.root
        yield node
        for child in node.get("Plans", ()):
            yield from self.nodes(child)

    @property
    def indexes(self):
        return {node["Index Name"] for node in self.nodes() if "Index Name" in node}

    @property
    def scanned(self):
        """The tables read from end to end."""
        return {
            n.get("Relation Name")
            for n in self.nodes()
            if n["Node Type"] == "Seq Scan" and n["Actual Loops"] and n["Actual Rows"]
        }

    @property
    def buffers(self):
        return self.root["Shared Hit Blocks"] + self.root["Shared Read Blocks"]

    def rows_read(self, table):
        """Rows taken from a table, those thrown away included."""
        return sum(
            (n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) * n["Actual Loops"]
            for n in self.nodes()
            if n.get("Relation Name") == table and "Scan" in n["Node Type"]
        )

    def __repr__(self):
        """The tree, a line per node: what a failing guard shows."""
        return "\n" + "\n".join(self.lines(self.root, 0))

    def lines(self, node, depth):
        where = [node[key] for key in ("Relation Name", "Index Name") if key in node]
        conditions = [f"{k}={v}" for k, v in node.items() if k in {"Index Cond", "Filter"}]
        yield " ".join(
            [
                "  " * depth + node["Node Type"],
                *where,
                f"rows={node['Actual Rows']} x{node['Actual Loops']}",
                f"removed={node.get('Rows Removed by Filter', 0)}",
                f"buffers={node['Shared Hit Blocks'] + node['Shared Read Blocks']}",
                *conditions,
            ]
        )
        for child in node.get("Plans", ()):
            yield from self.lines(child, depth + 1)


def explain(conn, statement, params=None):
    row = conn.execute(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", params, prepare=False
    ).fetchone()
    return Plan(row[0][0]["Plan"])


def prepared(conn, name, types):
    """A statement's EXECUTE as a generic plan: "{}" stands for its arguments."""
    conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    text = query(name)
    for number, (parameter, _) in enumerate(types.items(), start=1):
        text = re.sub(rf"%\({parameter}\)[sb]", f"${number}", text)
    conn.execute(f"PREPARE generic ({', '.join(types.values())}) AS {text}")
    return "EXECUTE generic ({})"


def store(conn, letters):
    """T1's statement for a batch of letters."""
    rows = [inbox_row(one, FILER) for one in letters]
    params = {**columns(rows, InboxRow), "now": datetime.now(UTC), "ingested_by": "i"}
    return explain(conn, query("store_notifications"), params)


def delete_jobs(conn, names, max_jobs=5000):
    params = {"products": names, "max_jobs": max_jobs, "max_jobs_a_product": max_jobs}
    return explain(conn, query("delete_waiting_jobs"), params)
