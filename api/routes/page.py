"""GET / and /static: the page. Plain files; they hold nothing that a token would guard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles

from api.problems import ProblemError

router = APIRouter()

HOME = Path(__file__).parents[1] / "static"


def install(app: FastAPI) -> None:
    """Serve the page's files, if the installation has them."""
    app.include_router(router)
    if HOME.is_dir():
        app.mount("/static", _Files(directory=HOME))


class _Files(StaticFiles):
    """Files that belong together: a browser must not mix those of two versions."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        """The file, to be asked for anew each time; 304 while it is the same."""
        response = super().file_response(*args, **options)
        response.headers.setdefault("Cache-Control", "no-cache")
        return response


@router.get("/", include_in_schema=False)
def page() -> Response:
    """The page itself; browsers ask anew each time and get 304 while it is the same."""
    index = HOME / "index.html"
    if not index.is_file():
        raise ProblemError(404, "no-page", "This installation has no page; the API is at /api.")
    return FileResponse(index, headers={"Cache-Control": "no-cache"})
