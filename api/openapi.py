"""The OpenAPI document: FastAPI's, with our kind of errors in place of its own."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import Problem

DESCRIPTION = """\
States and alerts of buybox, and a stream of their changes without gaps.

Tokens: `buybox tokens create`; send them as `Authorization: Bearer bbx_...`. Amounts are decimal
numbers as text, exact; times are UTC; null is "not known". Errors are `application/problem+json`.
"""


def describe(app: FastAPI) -> None:
    """Give the application its document, made at the first request for it."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title="buybox", version="1", description=DESCRIPTION, routes=app.routes
            )
            components = schema.setdefault("components", {}).setdefault("schemas", {})
            components["Problem"] = Problem.model_json_schema()
            for name in ("HTTPValidationError", "ValidationError"):
                components.pop(name, None)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI documents this way
