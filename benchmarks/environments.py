"""What the peers need and we do not: virtual environments of their own, and the SQS emulator."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.process import ROOT

PYTHON312 = "BUYBOX_BENCH_PYTHON312"
"""The setting that names an interpreter of 3.12 or newer, for Oban."""

FAUXQS = "fauxqs@1.9.2"
INSTALL_WITHIN_S = 240
REASON_CHARACTERS = 300


class NotAvailableError(Exception):
    """Something cannot be measured here; the text says why."""


def peer_python(name: str, cache: Path) -> Path:
    """The interpreter with a peer installed, made once for each state of its lock.

    Raises NotAvailableError when there is no suitable Python, or the packages cannot be installed.
    """
    lock = ROOT / "benchmarks" / f"requirements-{name}.txt"
    base = _newer_python() if name == "oban" else sys.executable
    mark = hashlib.sha256(lock.read_bytes() + base.encode()).hexdigest()[:12]
    home = cache / f"{name}-{mark}"
    python = home / "bin" / "python"
    if (home / ".ready").exists():
        return python
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    _run([base, "-m", "venv", str(home)])
    _run(
        [
            str(python),
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            str(lock),
        ]
    )
    (home / ".ready").touch()
    return python


def fauxqs(cache: Path) -> tuple[str, Path]:
    """Node and the folder of the installed emulator. Raises NotAvailableError."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise NotAvailableError("no node and npm on this machine, which the SQS emulator needs")
    home = cache / FAUXQS.replace("@", "-")
    if not (home / ".ready").exists():
        home.mkdir(parents=True, exist_ok=True)
        _run([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(home), FAUXQS])
        (home / ".ready").touch()
    return node, home


def _newer_python() -> str:
    given = os.environ.get(PYTHON312)
    if given:
        return given
    if sys.version_info >= (3, 12):
        return sys.executable
    for name in ("python3.14", "python3.13", "python3.12"):
        if (found := shutil.which(name)) and _runs(found):
            return found
    raise NotAvailableError(
        f"Oban needs Python 3.12 or newer and there is none on the PATH; {PYTHON312} can name one"
    )


def _runs(python: str) -> bool:
    """Whether it starts: a name on the PATH may be a shim for an interpreter not selected."""
    try:
        subprocess.run([python, "-c", ""], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _run(command: list[str]) -> None:
    try:
        subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=INSTALL_WITHIN_S
        )
    except subprocess.CalledProcessError as error:
        said = " ".join((error.stderr or error.stdout or "").split())[-REASON_CHARACTERS:]
        raise NotAvailableError(f"{Path(command[0]).name} could not install it: {said}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotAvailableError(f"it could not be installed: {error}") from error
