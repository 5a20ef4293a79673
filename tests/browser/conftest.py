"""A real Chromium before a real backend on a real database. Without a Chromium these are skipped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    Route,
    expect,
    sync_playwright,
)

from tests.processes import Process, processes, unused_port, wait_for

STATIC = Path(__file__).parents[2] / "api" / "static"
WIDE = {"width": 1360, "height": 900}
PHONE = {"width": 375, "height": 812}
BAD = {"serious", "critical"}

expect.set_options(timeout=20_000)

_ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium's sandbox refuses root
]


def serious(page: Page) -> list[tuple[str, list[Any]]]:
    """What axe-core finds that is serious or critical."""
    found = Axe().run(page).response["violations"]
    return [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found if v["impact"] in BAD]


@pytest.fixture(scope="module")
def _playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """The machine's own Chromium; playwright brings none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    playwright: Playwright = request.getfixturevalue("_playwright")
    browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
    yield browser
    browser.close()


@dataclass
class Backend:
    """The api as a process that can be killed and started again on the same port."""

    url: str
    start: Callable[[], None]
    process: Process | None = None

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()


@pytest.fixture
def backend(database_url: str, tmp_path: Path) -> Iterator[Backend]:
    """The dashboard backend, running."""
    port = unused_port()
    command = (sys.executable, "-m", "api", "--port", str(port))
    with processes(tmp_path) as launch:

        def start() -> None:
            one.process = launch(command, "api", DATABASE_URL=database_url, FEED_POLL_SECONDS="1")
            wait_for(lambda: _is_ready(one.url), "a ready backend")

        one = Backend(f"http://127.0.0.1:{port}", start)
        one.start()
        yield one


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/health/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@dataclass
class Visit:
    """A page that somebody looks at, and what its console said."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def is_live(self) -> None:
        self.page.wait_for_selector("#connection[data-state=live]", timeout=30_000)

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    def row(self, text: str) -> Any:
        return self.page.locator("tbody.product", has_text=text)

    def overflow(self) -> int:
        """By how much something is wider than the window."""
        return self.page.evaluate(
            "Math.max(0, ...[document.documentElement, ...document.querySelectorAll('dialog[open]')]"
            ".map((one) => one.scrollWidth - one.clientWidth))"
        )


@pytest.fixture
def with_scrollbars(chromium: Browser) -> Iterator[Browser]:
    """The same with the scroll bars that a mouse takes hold of, which playwright hides."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    browser = chromium.browser_type.launch(
        executable_path=found, args=_ARGUMENTS, ignore_default_args=["--hide-scrollbars"]
    )
    yield browser
    browser.close()


@pytest.fixture
def look(chromium: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens the page. `live=False` does not wait for the feed; `clock` lets the test move time."""
    contexts = []

    def visit(
        url: str,
        *,
        live: bool = True,
        clock: bool = False,
        browser: Browser = chromium,
        **options: Any,
    ) -> Visit:
        given = {"viewport": WIDE, "locale": "en-GB", "timezone_id": "Europe/London"} | options
        context = browser.new_context(**given)
        contexts.append(context)
        one = Visit(context.new_page())
        one.listen()
        one.page.set_default_timeout(20_000)
        if clock:
            one.page.clock.install()
        one.page.goto(url)
        if live:
            one.is_live()
        return one

    yield visit
    for context in contexts:
        context.close()


_SERVER = """
for await (const line of (await import("node:readline")).createInterface({ input: process.stdin })) {
  const { module, expression } = JSON.parse(line);
  try {
    const m = await import(module);
    console.log(JSON.stringify({ value: (await eval(expression)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
"""


@pytest.fixture(scope="module")
def evaluate(request: pytest.FixtureRequest) -> Iterator[Callable[[str, str], Any]]:
    """The value of an expression over one of the page's modules, called `m`: by node, else Chromium."""
    node = shutil.which("node")
    if node is None:
        yield from _evaluate_in_chromium(request.getfixturevalue("chromium"))
        return
    with subprocess.Popen(
        [node, "--input-type=module", "-e", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TZ": "Europe/London"},
    ) as process:

        def ask(module: str, expression: str) -> Any:
            uri = (STATIC / "js" / module).as_uri()
            process.stdin.write(json.dumps({"module": uri, "expression": expression}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, f"node ended at: {expression}"
            answer = json.loads(line)
            assert "error" not in answer, f"{answer['error']} in {module}: {expression}"
            return answer["value"]

        yield ask
        process.stdin.close()


def _evaluate_in_chromium(chromium: Browser) -> Iterator[Callable[[str, str], Any]]:
    context = chromium.new_context(timezone_id="Europe/London")
    page = context.new_page()
    page.route("http://page.test/**", _from_disk)
    page.goto("http://page.test/static/icon.svg")
    yield Stage(page)
    context.close()


@dataclass
class Stage:
    """Where the page's modules can be tried one by one: called, it is as `evaluate`, in Chromium."""

    page: Page

    def __call__(self, module: str, expression: str) -> Any:
        return self.page.evaluate(
            f"import('/static/js/{module}').then(async (m) => (await ({expression})) ?? null)"
        )


@pytest.fixture
def stage(chromium: Browser) -> Iterator[Stage]:
    """All that index.html holds, in sight, without the program that drives it, and no server."""
    context = chromium.new_context(
        viewport=WIDE, locale="en-GB", timezone_id="Europe/London", reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.route("http://page.test/**", _from_disk)
    page.goto("http://page.test/static/index.html")
    page.evaluate("document.getElementById('page').hidden = false")
    yield Stage(page)
    context.close()


_PROGRAM = '<script type="module" src="/static/js/main.js"></script>'


def _from_disk(route: Route) -> None:
    path = STATIC / route.request.url.removeprefix("http://page.test/static/")
    kinds = {
        "js": "text/javascript",
        "svg": "image/svg+xml",
        "css": "text/css",
        "html": "text/html",
    }
    text = path.read_text().replace(_PROGRAM, "")
    route.fulfill(body=text, content_type=kinds[path.suffix[1:]])
