"""A real browser, where there is one: Debian's chromium, or what LMN_MUSIC_BROWSER names."""

import os
import shutil
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The network is cut: no name leads anywhere.
OPTIONS = ["--autoplay-policy=no-user-gesture-required", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]

PATIENCE = 60  # seconds: a machine at work on other things is slow, and a wait ends when what it waits for is there


def find_browser():
    """Return the path of a browser, or None."""
    named = os.environ.get("LMN_MUSIC_BROWSER")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


def until(page, expression):
    """Wait until a JavaScript expression is true, and return it; the page forbids what Playwright has for it."""
    end = time.monotonic() + PATIENCE
    while not (found := page.evaluate(expression)):
        words = page.inner_text("#status")
        assert time.monotonic() < end, f"{expression} has not come true; the page says {words!r}"
        page.wait_for_timeout(20)
    return found


def download(page, click):
    """Return what a click downloads: its name and its bytes."""
    with page.expect_download() as waiting:
        page.click(click)
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()
