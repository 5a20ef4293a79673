"""What an examination finds, and how secrets are kept out of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict

Level = Literal["ok", "warning", "problem"]

SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "PGPASSWORD")
MASK = "***"
SHORT = 8
"""Characters; a shorter secret is masked only where it is a word of its own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer. `says` is what was found, `do` one sentence on what to do (empty when ok)."""

    name: str
    level: Level
    says: str
    do: str = ""


def ok(name: str, says: str) -> Finding:
    """All is well."""
    return Finding(name, "ok", says)


def warning(name: str, says: str, do: str) -> Finding:
    """It works, and somebody should look at it in daylight."""
    return Finding(name, "warning", says, do)


def problem(name: str, says: str, do: str) -> Finding:
    """It does not work, or will not for long."""
    return Finding(name, "problem", says, do)


def masked(finding: Finding, secrets: Iterable[str]) -> Finding:
    """The finding without any of the secrets in its sentences.

    A short one may be part of an ordinary word, where its mask would give it away: so it is masked
    only where no letter or digit touches it. A long one is masked wherever it is.
    """
    says, do = finding.says, finding.do
    for secret in secrets:
        found = re.escape(secret)
        if len(secret) < SHORT:
            found = rf"(?<![^\W_]){found}(?![^\W_])"
        says, do = re.sub(found, MASK, says), re.sub(found, MASK, do)
    return replace(finding, says=says, do=do)


def secrets_of(database_url: str | None) -> list[str]:
    """Everything in the environment that no output may show, the longest first."""
    found = {os.environ.get(name, "") for name in SECRET_VARIABLES}
    if database_url:
        found.add(database_url)
        found.update(_passwords(database_url))
    return sorted(filter(None, found), key=len, reverse=True)


def _passwords(database_url: str) -> set[str]:
    """The password as written and as decoded, even in an address that Postgres would refuse."""
    _, _, after_scheme = database_url.partition("://")
    _, _, raw = after_scheme.rpartition("@")[0].partition(":")
    found = {raw, unquote(raw)}
    try:
        found.add(str(conninfo_to_dict(database_url).get("password") or ""))
    except psycopg.ProgrammingError:
        found.update(word.partition("=")[2] for word in database_url.split() if "password" in word)
    return found
