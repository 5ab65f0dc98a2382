"""pytest_tap: a pytest plugin that reports in TAP, for prove.

A test's title is the first line of its docstring, or its name in words. What
failed is told on standard error. tap.sh's `pytest` uses it.
"""

import resource
import sys
from typing import Any, Generator

import pytest


def title_of(item: pytest.Item) -> str:
    """The title of a test, with the name of its case if it has one."""
    doc = getattr(getattr(item, "obj", None), "__doc__", None) or ""
    name, _, case = item.name.partition("[")
    title = doc.strip().split("\n")[0].rstrip(".")
    title = title or name.replace("test_", "", 1).replace("_", " ")
    return (title + (f" [{case}" if case else "")).replace("#", r"\#")


class Tap:
    """Counts and prints the results."""

    def __init__(self) -> None:
        self.count = 0

    def line(self, result: str, title: str, directive: str = "") -> None:
        """One result."""
        self.count += 1
        print(f"{result} {self.count} - {title}{directive}", flush=True)

    def failed(self, title: str, why: str) -> None:
        """One failed result, with the reason on standard error."""
        self.line("not ok", title)
        for text in f"not ok: {title}\n{why}".rstrip().split("\n"):
            print(f"# {text}".rstrip(), file=sys.stderr)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, Any, None]:
        """Prints the result of a test once it is known."""
        report = (yield).get_result()
        title = title_of(item)
        if report.failed:
            self.failed(title, report.longreprtext)
        elif report.skipped:
            reason = report.longrepr[2] if report.longrepr else ""
            reason = reason.replace("Skipped: ", "", 1)
            self.line("ok", title, f" # SKIP {reason}")
        elif report.when == "call":
            self.line("ok", title)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that can't be read is a failure."""
        if report.failed:
            self.failed(report.nodeid, report.longreprtext)

    def pytest_sessionfinish(self) -> None:
        """The plan, at the end."""
        print(f"1..{self.count}", flush=True)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Reports in the place of pytest's own reporter; as many descriptors as
    there may be, of which thousands of clients need one each."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    config.pluginmanager.unregister(name="terminalreporter")
    config.pluginmanager.register(Tap(), "tap")
