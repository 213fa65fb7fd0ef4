"""Debian's Chromium for tests of pages, with the network closed: what a page needs must be in it."""

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

taken = itertools.count()
# on a machine that does other things too a chart takes seconds
expect.set_options(timeout=30_000)


@contextmanager
def running() -> Iterator[Browser]:
    """The browser, for several files one after the other."""
    chromium = shutil.which("chromium")
    assert chromium, "the tests of pages need Debian's chromium: make browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def shown(browser: Browser, path: Path, width: int = 1300, height: int = 1000) -> Iterator[Page]:
    """A file opened in the browser, offline; what it asks of the network fails the test.

    Where KEEP_SCREENSHOTS names a folder, what it looked like at last is kept there.
    """
    context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
    page = context.new_page()
    asked: list[str] = []
    # the page of dbt docs asks for its own template's placeholders before it fills them in
    page.on("request", lambda request: None if "%7B" in request.url else asked.append(request.url))
    page.on("pageerror", lambda error: asked.append(f"error in the page: {error}"))
    page.goto(path.as_uri())
    yield page
    if folder := os.environ.get("KEEP_SCREENSHOTS"):
        page.screenshot(path=Path(folder, f"{path.stem}_{width}_{os.getpid()}_{next(taken)}.png"), full_page=True)
    assert set(asked) == {path.as_uri()}
    context.close()


@contextmanager
def opened(path: Path, width: int = 1300, height: int = 1000) -> Iterator[Page]:
    """`shown` in a browser of its own."""
    with running() as browser, shown(browser, path, width, height) as page:
        yield page
