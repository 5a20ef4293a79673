"""200,000 products by a process of its own: how much memory it takes, and that all of them arrive."""

from __future__ import annotations

import os
import subprocess
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
        process = subprocess.Popen(
            [*BUYBOX, *arguments],
            cwd=ROOT,
            env={**clean, "DATABASE_URL": database_url, "NO_COLOR": "1", "COLUMNS": "200"},
            stdout=stdout,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    kilobytes = usage.ru_maxrss if os.uname().sysname == "Linux" else usage.ru_maxrss / 1024
    return process.returncode, kilobytes / 1024


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
