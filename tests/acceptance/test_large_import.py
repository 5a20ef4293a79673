"""200,000 products by a process of its own: how much memory it takes, and that all of them arrive."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.catalogue import PRODUCT_COLUMNS, csv_line
from tests.processes import BUYBOX, ROOT

pytestmark = pytest.mark.acceptance

PRODUCTS = 200_000
MAX_MEMORY_MB = 150
PATIENCE_S = 120
"""How long it may take on a busy machine; on two shared cores the import takes about 20 s."""

OBSERVER = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL).returncode
sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""
# Between us and the command, since a process counts the memory of the one it was started from as
# its own, until it becomes another program: and the tests' own process is a large one.


def write_products(path: Path) -> None:
    with path.open("wb") as file:
        file.write(csv_line(PRODUCT_COLUMNS))
        for n in range(PRODUCTS):
            file.write(
                b'A2OWNSELLER001,A1F83G8C2ARO7P,B1%08d,new,amazon,SKU-%d,GBP,"Widget %d, large",'
                b"%d.%02d,0.35,,0.10,home-products,%d,standard-parcel,0.20,5.00,99.00,1.5,a|b\n"
                % (n, n, n, n % 50, n % 100, n % 2000 + 1)
            )


def measured(*arguments: str, database_url: str, output: Path) -> tuple[int, float]:
    """The exit code of a command and the most memory it ever held, in MB."""
    clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
    with output.open("wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-c", OBSERVER, *BUYBOX, *arguments],
            cwd=ROOT,
            env={**clean, "DATABASE_URL": database_url, "NO_COLOR": "1", "COLUMNS": "200"},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    most = int(done.stderr)
    return done.returncode, most / 1024 if os.uname().sysname == "Linux" else most / 1024**2


@pytest.mark.timeout(3 * PATIENCE_S)
def test_a_large_catalogue_goes_in_and_out_in_little_memory(
    tmp_path: Path, database_url: str, conn: psycopg.Connection
) -> None:
    path, output = tmp_path / "products.csv", tmp_path / "out"
    write_products(path)

    code, memory = measured(
        "products", "import", str(path), database_url=database_url, output=output
    )
    assert code == 0, output.read_text()
    assert f"{PRODUCTS} inserted, 0 updated, 0 unchanged, 0 rejected" in output.read_text()
    assert memory < MAX_MEMORY_MB
    assert conn.execute("SELECT count(*) FROM products").fetchone() == (PRODUCTS,)

    code, memory = measured("products", "export", database_url=database_url, output=output)
    assert code == 0
    assert memory < MAX_MEMORY_MB
    assert output.read_bytes() == path.read_bytes()
