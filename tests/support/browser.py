"""Chromium as Debian packages it, driven by Playwright; tests skip with the reason elsewhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

PATIENCE = 120_000
"""Milliseconds that anything may take: machines of CI are slow, and nothing here waits in vain."""
NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser; skips the test where the machine has none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    # Chromium has no sandbox for root, which is who runs in a container.
    arguments = ["--no-sandbox", "--disable-dev-shm-usage"] if os.geteuid() == 0 else []
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=arguments, timeout=PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """A page, and everything that went wrong or out since it was opened."""

    page: Page
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def visit(
    browser: Browser,
    text: str,
    here: Path,
    *,
    scheme: Literal["light", "dark"] = "light",
    width: int = 1280,
) -> Visit:
    """Open a page from a file, as a user does who was sent one."""
    file = here / "report.html"
    file.write_text(text, encoding="utf-8")
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.set_default_timeout(PATIENCE)
    seen = Visit(page)
    page.on("console", lambda message: seen.console.append(message.text))
    page.on("pageerror", lambda error: seen.console.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("dialog", lambda dialog: (seen.console.append("dialog"), dialog.dismiss()))
    page.goto(file.as_uri())
    return seen


def faults(seen: Visit) -> list[str]:
    """What a user would complain of: the console, requests, and what axe-core finds; unfolded."""
    seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    violations = Axe().run(seen.page).response["violations"]
    found = [f"{v['id']}: {node['html'][:200]}" for v in violations for node in v["nodes"][:3]]
    outside = [url for url in seen.requests if not url.startswith("file:///")]
    return [*found, *seen.console, *outside]
