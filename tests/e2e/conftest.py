"""The webhook of the session, namespaces for it, and eyes on what the API server says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.support.api_proxy import ApiProxy, proxied
from tests.support.audit_log import AuditLog
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import (
    SESSION_CONFIG,
    SESSION_RULES,
    Namespaces,
    installed,
    until_judged,
)
from tests.support.own_objects import chart_kinds
from tests.support.webhook_process import Judging, WebhookProcess, serving

DATA = Path(__file__).parent / "data"
CUSTOM = ("crd-scaledobjects.yaml", "crd-leaderworkersets.yaml", "crd-widgets.yaml")


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Iterator[ApiProxy]:
    """Raw answers of the API server."""
    with proxied(cluster) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def audit_log(cluster: Cluster) -> AuditLog:
    """The API server's audit log; tests that need it are skipped where it can't be read."""
    if cluster.audit_log is None:
        pytest.skip("the audit log of somebody else's API server can't be read from here")
    return AuditLog(cluster.audit_log)


@pytest.fixture(scope="session")
def namespaces(cluster: Cluster) -> Iterator[Namespaces]:
    """Makes namespaces, and removes them at the end."""
    made = Namespaces(cluster)
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def custom_kinds(cluster: Cluster) -> Iterator[None]:
    """CustomResourceDefinitions for the tests; those that the cluster has stay as they are."""
    with ExitStack() as stack:
        for name in CUSTOM:
            stack.enter_context(installed(cluster, yaml.safe_load((DATA / name).read_text())))
        yield


@pytest.fixture(scope="session")
def start_webhook(
    cluster: Cluster,
    api: ApiProxy,
    namespaces: Namespaces,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., WebhookProcess]:
    """Makes a further webhook with a configuration; ``with serving(...)`` is the caller's."""

    def make(config: dict[str, object], **changes: object) -> WebhookProcess:
        directory = tmp_path_factory.mktemp("webhook")
        return WebhookProcess(cluster, directory, config, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def judging(
    start_webhook: Callable[..., WebhookProcess], api: ApiProxy, namespaces: Namespaces
) -> Judging:
    """``with judging(config)``: a further webhook, from when the API server asks it."""

    @contextlib.contextmanager
    def make(config: dict[str, object], **changes: object) -> Iterator[WebhookProcess]:
        with serving(start_webhook(config, **changes)) as process:
            until_judged(api, process, namespaces.make("enforce", process))
            yield process

    return make


@pytest.fixture(scope="session")
def webhook(judging: Judging, custom_kinds: None) -> Iterator[WebhookProcess]:
    """The webhook that most tests share; a namespace's name says its stage (see the config)."""
    with judging(SESSION_CONFIG, more_rules=SESSION_RULES) as process:
        yield process


@pytest.fixture(scope="module")
def home(namespaces: Namespaces) -> str:
    """The own namespace of a module's webhook."""
    return namespaces.bare()


@pytest.fixture(scope="module")
def kinds(cluster: Cluster) -> Iterator[None]:
    """The CustomResourceDefinitions of the chart."""
    with chart_kinds(cluster):
        yield


@pytest.fixture
def namespace(namespaces: Namespaces, webhook: WebhookProcess) -> Callable[..., str]:
    """``namespace("enforce")``: a new namespace at that stage, with a ServiceAccount for pods."""

    def make(stage: str, **labels: str) -> str:
        return namespaces.make(stage, webhook, labels)

    return make


@pytest.fixture
def where(namespace: Callable[..., str]) -> str:
    """A new namespace whose name says nothing of a stage."""
    return namespace("plain")


@pytest.fixture
def apply(cluster: Cluster) -> Callable[..., object]:
    """``kubectl apply`` of an object, as its user sees it; never raises for a denial."""

    def run(obj: dict[str, object], namespace: str, *flags: str) -> object:
        flags = (f"--namespace={namespace}", *flags)
        return cluster.kubectl("apply", "-f", "-", *flags, stdin=json.dumps(obj), check=False)

    return run


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a figure that was measured, whether the test passes or not."""

    def write(text: str) -> None:
        with capsys.disabled():
            print(f"\n    {text}", flush=True)

    return write


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Put the end of the webhook's log under the report of a test that failed with it."""
    report = yield
    process = getattr(item, "funcargs", {}).get("webhook")
    if report.failed and isinstance(process, WebhookProcess):  # type: ignore[attr-defined]
        report.sections.append(("the webhook's log", process.log()))  # type: ignore[attr-defined]
    return report
