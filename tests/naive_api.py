"""`python -m tests.naive_api`: the dashboard backend with max(id) for a cursor, to see what it loses."""

from __future__ import annotations

from functools import partial

from api import __main__ as process
from api.app import build_app
from tests.storm import read_naive

if __name__ == "__main__":
    process.build_app = partial(build_app, read=read_naive)
    raise SystemExit(process.main())
