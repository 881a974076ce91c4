"""A pytest plugin: a test may stay away only where outside data is missing, or a tool has no wheel, and says which."""

from collections.abc import Generator
from typing import Any

import pytest

EXCUSES = ("TEST_CORPORA", "has no wheel")  # where the data may be put, or what is missing for this machine


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if report.skipped and not any(excuse in str(report.longrepr) for excuse in EXCUSES):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} stayed away without naming the outside data it misses: {report.longrepr}"
    return report
