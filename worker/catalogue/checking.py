"""A line of a file checked against a model: the row, or everything that is wrong with it."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from worker.catalogue.lines import Line
from worker.catalogue.rejects import Reject

Model = TypeVar("Model", bound=BaseModel)


def check(line: Line, model: type[Model]) -> Model | list[Reject]:
    """The line as the model, or a reject for each field that cannot be taken."""
    try:
        return model.model_validate(line.cells)
    except ValidationError as error:
        return [
            Reject(
                line.number,
                str(found["loc"][0]) if found["loc"] else "(line)",
                found["type"],
                found["msg"],
                line.cells.get(str(found["loc"][0])) or "" if found["loc"] else "",
            )
            for found in error.errors(include_url=False, include_context=False)
        ]
