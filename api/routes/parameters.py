"""Parameters that several endpoints take. Text in Postgres cannot hold NUL."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

NO_NUL = r"^[^\x00]*$"

Marketplace = Annotated[str, Path(max_length=20, pattern=NO_NUL, examples=["A1F83G8C2ARO7P"])]
Asin = Annotated[str, Path(max_length=20, pattern=NO_NUL, examples=["B0CXYZ1234"])]

Marketplaces = Annotated[
    list[Annotated[str, Query(max_length=20, pattern=NO_NUL)]] | None,
    Query(max_length=100, description="Marketplace ids, such as A1F83G8C2ARO7P"),
]
Asins = Annotated[
    list[Annotated[str, Query(max_length=20, pattern=NO_NUL)]] | None, Query(max_length=100)
]
Limit = Annotated[int, Query(ge=1, le=500, description="Rows of a page")]
PageToken = Annotated[
    str | None, Query(max_length=40_000, description="`next_page` of the previous answer")
]
