import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
# What MLflow's own page says without any run of ours: it asks for a user where there is no login,
# and draws parallel coordinates once before it knows how large they are.
_OF_THE_PAGE = re.compile(r"Failed to load resource: .*404|NaN|negative value|ResizeObserver")


@dataclass
class Browser:
    """A browser whose pages are watched for errors and kept as pictures."""

    context: object
    folder: Path
    errors: list = field(default_factory=list)

    def open(self, link):
        """Return the page of a link."""
        return self.watch(self.context.new_page(), link)

    def watch(self, page, link=None):
        """Note the errors of a page from now on."""
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)
        if link is not None:
            page.goto(link)
        return page

    def keep(self, page, name):
        """Keep a picture of what is seen."""
        page.wait_for_timeout(1000)  # for the charts to stand still
        page.screenshot(path=self.folder / f"{name}.png")

    def _note(self, said):
        if said.type == "error" and not _OF_THE_PAGE.search(said.text):
            self.errors.append(said.text)


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium; Debian's package is called so")
    folder = Path(os.environ.get("SKNN_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = chromium.new_context(viewport={"width": 1500, "height": 1000})
        context.set_default_timeout(60_000)
        # as one who has closed MLflow's assistant, which opens beside the first page
        context.add_init_script(
            "try { localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true') }"
            "catch { /* a frame without a store of its own */ }"
        )
        yield Browser(context, folder)
        chromium.close()


@pytest.fixture(scope="module")
def served() -> Iterator:
    """Serve stores as a user does, and return the link that was printed."""
    started = []

    def serve(uri):
        command = [sys.executable, "-m", "sknn_tricks", "ui", "--tracking-uri", uri]
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        started.append(process)
        for line in process.stdout:
            if found := re.search(r"Open (\S+)", line):
                return found[1]
        pytest.fail("the page was not served")

    yield serve
    for process in started:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        process.stdout.close()


@pytest.fixture(autouse=True)
def _pages_of_its_own(browser):
    yield
    for page in browser.context.pages:
        page.close()
    browser.errors.clear()
