"""The settings of the dashboard backend: from the environment only, checked at start.

A test compares the table in docs/dashboard-backend.md with this class.
"""

from __future__ import annotations

import ipaddress
import re

from pydantic import Field, field_validator

from process.settings import ProcessSettings, load


class ApiSettings(ProcessSettings):
    """All settings of the backend. Times end in their unit."""

    api_host: str = Field("127.0.0.1", description="where to listen; loopback needs no token")
    api_port: int = Field(8000, ge=0, le=65_535, description="the port; 0 takes a free one")
    api_trusted_proxies: str = Field(
        "127.0.0.1", description="whose X-Forwarded headers are believed; * for any (Render)"
    )
    api_allowed_origins: str = Field(
        "", description="other origins that may read with a token, separated by commas"
    )
    api_pool_size: int = Field(6, ge=1, le=50, description="connections for requests, at most")
    api_max_streams: int = Field(1000, ge=1, le=20_000, description="open streams, at most")
    api_max_streams_per_token: int = Field(
        50, ge=1, le=20_000, description="open streams of one token, its sessions included"
    )
    api_requests_per_minute: int = Field(
        600, ge=1, description="requests of one token a minute, a sixth of them at once"
    )
    api_max_body_bytes: int = Field(
        65_536, ge=1024, le=10_000_000, description="the largest request body"
    )
    api_session_hours: float = Field(
        12, gt=0, le=720, description="after this the page asks for the token again"
    )
    feed_poll_seconds: float = Field(
        5,
        gt=0,
        le=60,
        description="how often the feed is read even without a bell, and a test bell rung",
    )
    feed_pause_ms: int = Field(
        200, ge=0, le=5000, description="least time between two reads of the feed under load"
    )
    stream_max_pending: int = Field(
        2000, ge=10, le=100_000, description="changes that may wait for a slow client"
    )
    stream_max_gap: int = Field(
        2000,
        ge=10,
        le=10_000,
        description="missed changes that a stream catches up on; more is a reset",
    )
    stream_keepalive_seconds: float = Field(
        15, gt=0, le=30, description="silence on a stream before a sign of life, 30 at most"
    )
    degraded_after_seconds: float = Field(
        60, gt=0, description="a message waiting or a worker silent for longer: degraded"
    )
    critical_after_seconds: float = Field(
        300, gt=0, description="a message waiting or a worker silent for longer: critical"
    )
    critical_backlog: int = Field(
        50_000, ge=1, description="messages waiting for analysis: critical; a tenth: degraded"
    )

    @field_validator("critical_after_seconds")
    @classmethod
    def _after_degraded(cls, value: float, info: object) -> float:
        degraded = getattr(info, "data", {}).get("degraded_after_seconds")
        if degraded is not None and value < degraded:
            raise ValueError("must not be less than DEGRADED_AFTER_SECONDS")
        return value

    @field_validator("api_trusted_proxies")
    @classmethod
    def _are_addresses(cls, value: str) -> str:
        try:
            for one in value.split(",") if value != "*" else ():
                ipaddress.ip_network(one.strip())
        except ValueError:
            raise ValueError(
                "must be addresses or networks (10.0.0.0/8) separated by commas, or * for any"
            ) from None
        return value

    @field_validator("api_allowed_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        for one in value.split(","):
            if one.strip() and not re.fullmatch(r"https?://[^\s/?#@*]+/?", one.strip().lower()):
                raise ValueError(
                    "must be origins as browsers send them, separated by commas: "
                    "https://dashboard.example, with no path; there is no * for any"
                )
        return value.lower()

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.api_host)

    @property
    def origins(self) -> tuple[str, ...]:
        """The other origins that may read."""
        return tuple(
            o.strip().rstrip("/") for o in self.api_allowed_origins.split(",") if o.strip()
        )


def is_loopback(host: str) -> bool:
    """Whether a host, as a name or an address, is this machine and no other."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def load_settings(**given: object) -> ApiSettings:
    """The settings from the environment, overridden by those `given`. Raises SettingsError."""
    return load(ApiSettings, **given)
