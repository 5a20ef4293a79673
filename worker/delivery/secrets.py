"""Channel addresses at rest: encrypted under SECRET_KEY, shown masked.

An address holds passwords and tokens. Whoever reads the database, a log or an error must not find
them: addresses leave this module as ciphertext or masked, and in clear only to a channel.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from process.settings import SettingsError
from worker.errors import PermanentError

MAKE_A_KEY = (
    'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
)
_HAS_A_HOST = frozenset({"json", "jsons", "gotify", "gotifys"})
"""Schemes whose host is a host. Elsewhere it may be a token (slack://token/...)."""


class UnreadableSecretError(PermanentError):
    """The address was encrypted under a key that SECRET_KEY does not hold."""


class Vault:
    """Encrypts and decrypts addresses. The first key encrypts, every key decrypts."""

    def __init__(self, secret_key: str | None) -> None:
        """Raise SettingsError with what to do if there is no key or it is unusable."""
        keys = [key.strip() for key in (secret_key or "").split(",") if key.strip()]
        if not keys:
            raise SettingsError(
                "SECRET_KEY is not set: channel addresses hold passwords and are kept encrypted "
                f"under it. Make one with {MAKE_A_KEY} and give every service the same."
            )
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise SettingsError(
                "SECRET_KEY is no key (32 bytes in base64; several are separated by commas). "
                f"Make one with {MAKE_A_KEY}"
            ) from None

    def __repr__(self) -> str:
        return "Vault()"

    def encrypt(self, address: str) -> bytes:
        """The address as it may be stored."""
        return self._fernet.encrypt(address.encode())

    def decrypt(self, stored: bytes) -> str:
        """The address in clear. Raises UnreadableSecretError."""
        try:
            return self._fernet.decrypt(bytes(stored)).decode()
        except InvalidToken:
            raise UnreadableSecretError from None

    def renew(self, stored: bytes) -> bytes:
        """The same under the newest key. Raises UnreadableSecretError."""
        return self.encrypt(self.decrypt(stored))


def masked(address: str) -> str:
    """The address as people may see it: scheme, and the host where it is one; never the rest."""
    scheme, _, rest = address.partition(":")
    scheme = scheme.lower()
    if not scheme.isalnum() or not rest:
        return "…"
    if scheme == "mailto" and not rest.startswith("//"):
        domain = rest.partition("?")[0].rpartition("@")[2]
        return f"mailto:…@{domain}"
    if scheme not in _HAS_A_HOST:
        return f"{scheme}://…"
    try:
        found = urlsplit(address)
        port = f":{found.port}" if found.port else ""
    except ValueError:
        return f"{scheme}://…"
    return f"{scheme}://{found.hostname or ''}{port}/…"
