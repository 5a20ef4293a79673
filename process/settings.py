"""The settings that every process has: from the environment only, checked at start."""

from __future__ import annotations

import os
import re
import socket
from typing import Literal, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

_MIGRATE = "run python -m db.migrate (or buybox migrate)"
NOT_MIGRATED = f"The database is not migrated: {_MIGRATE}"
GRANT = "as the owner of the tables, run GRANT buybox_worker TO <login>"
"""What to do about a login that lacks the rights for the work."""


class SettingsError(Exception):
    """The settings cannot be used; the message is a sentence that says why."""


def behind(here: str | None, needed: str) -> str:
    """What to say of a database that has not been migrated for this version."""
    return f"The database is at revision {here}, and this version needs {needed}: {_MIGRATE}"


def _default_worker_id() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class ProcessSettings(BaseSettings):
    """Settings that each process has; a process adds its own. An unset optional is None."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: str | None = Field(
        None,
        repr=False,
        description="where Postgres (15 or newer) is; a direct connection, no transaction pooler",
    )
    worker_id: str = Field(
        default_factory=_default_worker_id, max_length=200, description="this process's name"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least severe log line that is written"
    )
    log_format: Literal["json", "console"] = Field(
        "json", description="json, or console for people"
    )
    hang_seconds: int = Field(
        90,
        ge=10,
        le=3600,
        description="a process that waits longer for the database's answer ends, to be restarted",
    )

    @property
    def dsn(self) -> str:
        """The database's address. Raises SettingsError if it is missing or can't be one."""
        if not self.database_url:
            raise SettingsError(
                "DATABASE_URL is not set: it says where Postgres is, "
                "for example postgresql://user:password@host:5432/buybox"
            )
        if not _is_address(self.database_url):
            # Never the value: it contains the password.
            raise SettingsError(
                "DATABASE_URL is no connection string; it looks like "
                "postgresql://user:password@host:5432/buybox, with no quotes around it and special "
                "characters of the password as %40 for @, %2F for /, %25 for %"
            )
        return self.database_url


def _is_address(text: str) -> bool:
    """Whether libpq can read it without taking a part of the password for a port or a host."""
    try:
        given = conninfo_to_dict(text)
    except psycopg.ProgrammingError:
        return False
    port, host = str(given.get("port") or ""), str(given.get("host") or "")
    return bool(re.fullmatch(r"[0-9,]*", port) and re.fullmatch(r"[^@]*|/.*", host))


_Settings = TypeVar("_Settings", bound=ProcessSettings)


def load(settings: type[_Settings], **given: object) -> _Settings:
    """These settings from the environment; those `given` take precedence.

    Raises SettingsError with a sentence for each mistake.
    """
    try:
        return settings(**given)  # type: ignore[arg-type]  # checked by the class itself
    except ValidationError as error:
        mistakes = "; ".join(
            _sentence(str(mistake["loc"][0]), mistake["input"], mistake["msg"], settings)
            for mistake in error.errors()
        )
        raise SettingsError(f"The environment's settings cannot be used: {mistakes}") from None


def _sentence(name: str, value: object, says: str, settings: type[ProcessSettings]) -> str:
    """The mistake, with the value unless it is a secret."""
    says = says.removeprefix("Value error, ")
    field = settings.model_fields.get(name)
    if field is not None and not field.repr:
        return f"{name.upper()} {says}"
    return f"{name.upper()}={value!r}: {says}"
