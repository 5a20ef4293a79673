"""A page as a letter: plain text, and HTML from a sandboxed template that escapes everything."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from worker.delivery.channels.carrier import Letter
from worker.delivery.text import Page, plain


@cache
def _template() -> jinja2.Template:
    environment = SandboxedEnvironment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    folder = resources.files("worker").joinpath("delivery/templates")
    return environment.from_string(folder.joinpath("mail.html.j2").read_text("utf-8"))


def render(
    page: Page, *, identity: str, route: str, alerts: tuple[Mapping[str, object], ...] = ()
) -> Letter:
    """The letter of a page."""
    return Letter(
        identity=identity,
        route=route,
        severity=page.severity,
        heading=page.heading,
        text=plain(page),
        html=_template().render(page=page, route=route),
        alerts=alerts,
    )
