"""Options and fixtures that every layer of the tests shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.controlplane import Cluster, running

# Machines of CI are noisy: what an example costs says nothing about whether it is right.
settings.register_profile("karb-guard", deadline=None)
settings.load_profile("karb-guard")

GOLDEN = Path(__file__).parent / "contract" / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write golden files anew instead of comparing"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the golden file of that name; regenerate all with one flag."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing: run pytest --update-golden and read the diff"
        assert text == path.read_text(encoding="utf-8"), f"{path} differs"

    return compare


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real API server: one's own, or the one of ``make test KUBECONFIG=...``."""
    with running() as started:
        yield started
