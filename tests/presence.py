"""A pytest plugin: a test may stay away only where outside data is missing, and says which."""

from collections.abc import Generator
from typing import Any

import pytest

EXCUSE = "FEEDBACK_CORPORA"  # every reason that counts tells where the data may be put


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if report.skipped and EXCUSE not in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} stayed away without naming the outside data it misses: {report.longrepr}"
    return report
