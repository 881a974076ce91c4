"""How long the machines of this folder run."""

import pytest


@pytest.fixture
def drill(pytestconfig: pytest.Config) -> bool:
    """Whether the long run was asked for."""
    return bool(pytestconfig.getoption("--drills", default=False))
