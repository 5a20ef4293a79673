"""The settings that every process has: from the environment only, checked at start."""

from __future__ import annotations

import os
import socket
from typing import Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """The settings cannot be used; the message is a sentence that says why."""


def _default_worker_id() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class ProcessSettings(BaseSettings):
    """Settings that each process has; a process adds its own. An unset optional is None."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: str | None = Field(
        None,
        repr=False,
        description="where Postgres is; a direct connection, no transaction pooler",
    )
    worker_id: str = Field(
        default_factory=_default_worker_id, max_length=200, description="this process's name"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least severe log line that is written"
    )
    log_format: Literal["json", "console"] = Field("json", description="json, or console for eyes")

    @property
    def dsn(self) -> str:
        """The database's address. Raises SettingsError when there is none."""
        if not self.database_url:
            raise SettingsError(
                "DATABASE_URL is not set: it says where Postgres is, "
                "for example postgresql://user:password@host:5432/buybox"
            )
        return self.database_url


_Settings = TypeVar("_Settings", bound=ProcessSettings)


def load(settings: type[_Settings], **given: object) -> _Settings:
    """These settings from the environment, those `given` above it.

    Raises SettingsError with a sentence for each mistake.
    """
    try:
        return settings(**given)  # type: ignore[arg-type]  # checked by the class itself
    except ValidationError as error:
        mistakes = "; ".join(
            f"{str(mistake['loc'][0]).upper()}={mistake['input']!r}: {mistake['msg']}"
            for mistake in error.errors()
        )
        raise SettingsError(f"The environment's settings cannot be used: {mistakes}") from None
