"""Configuration and policies change under a running webhook: good ones count, bad ones don't."""

from __future__ import annotations

import json
import re
import signal
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from karb_guard import __version__
from karb_guard.assembly import Choices, assemble
from tests.contract.webhook.test_serving_process import CONFIG, Process, ask, started
from tests.support.own_policies import scaffold
from tests.support.webhook_rig import body, pod
from webhook.events import Reference
from webhook.loaded import Loaded
from webhook.loading import loaded_from
from webhook.metrics import Metrics
from webhook.reload import (
    LOADED,
    MAX_FILES,
    REFUSED,
    Reloader,
    Told,
    UnreadableError,
    digest_of,
    paths_of,
)

LENIENT = CONFIG.replace("enforce", "warn")
BAD = "stages: {namespaces: [{match: inference, default: enforced}]}\n"
DENIED = body(pod("server"))
WAIT_SECONDS = 30


class Events:
    """What was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def post(
        self, ref: Reference, reason: str, note: str, type_: str = "", owners: bool = False
    ) -> None:
        self.told.append((reason, note))


class Rig:
    """A reloader over real files and the real engine."""

    def __init__(self, file: Path, text: str = LENIENT) -> None:
        self.file = file
        file.write_text(text)
        self.metrics, self.events = Metrics(), Events()
        self.swapped: list[Loaded] = []
        self.guard = assemble(Choices(file))
        about = Reference("v1", "Pod", "karb-guard-0", "karb-guard")
        told = Told(self.events, about)
        self.reloader = Reloader(self.guard, self.make, self.swapped.append, self.metrics, told)

    def make(self) -> Any:
        guard = assemble(Choices(self.file))
        return guard, loaded_from(guard, None)

    def passing_trouble(self) -> Any:
        self.reloader._assemble = self.make
        raise UnreadableError("not now")

    def twice(self) -> str | None:
        assert self.reloader.look() is None, "a change must settle first"
        return self.reloader.look()

    def sample(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "karb-guard.yaml")


def test_a_change_counts_once_it_has_settled(rig: Rig) -> None:
    assert rig.reloader.look() is None
    rig.file.write_text(CONFIG)
    assert rig.twice() == LOADED
    assert rig.reloader.look() is None, "and only once"
    assert len(rig.swapped) == 1
    assert rig.events.told[0][0] == "Reloaded"


def test_a_bad_one_is_refused_and_told(rig: Rig) -> None:
    rig.file.write_text(BAD)
    assert rig.twice() == REFUSED
    assert rig.swapped == []
    ((reason, note),) = rig.events.told
    assert reason == "ReloadRefused"
    assert "karb-guard.yaml" in note
    assert "enforced" in note
    assert rig.sample("karb_guard_reload_ok") == 0
    assert rig.sample("karb_guard_reloads_total", outcome="refused") == 1
    rig.file.write_text(CONFIG)
    assert rig.twice() == LOADED
    assert rig.sample("karb_guard_reload_ok") == 1


def test_what_was_refused_is_tried_again_after_a_while(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason may have been a passing one: here the file is bad only for whoever loads it."""
    monkeypatch.setattr("webhook.reload.RETRY_SECONDS", 0.0)
    rig.file.write_text(CONFIG)
    rig.reloader._assemble = rig.passing_trouble
    assert rig.twice() == REFUSED
    assert rig.reloader.look() == LOADED
    assert rig.reloader.look() is None


def test_a_file_that_is_gone_is_refused(rig: Rig) -> None:
    rig.file.unlink()
    assert rig.twice() == REFUSED
    assert rig.swapped == []


def test_a_mounted_configmap_changes_by_a_swap_of_links(tmp_path: Path) -> None:
    for name, text in (("..1", LENIENT), ("..2", CONFIG)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "karb-guard.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("..1")
    file = tmp_path / "karb-guard.yaml"
    file.symlink_to("..data/karb-guard.yaml")
    before = digest_of([file])
    (tmp_path / "..new").symlink_to("..2")
    (tmp_path / "..new").replace(tmp_path / "..data")
    assert digest_of([file]) != before


def test_too_many_files_are_not_followed(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 1):
        (tmp_path / str(number)).touch()
    with pytest.raises(UnreadableError, match="more than 10,000 files"):
        digest_of([tmp_path])


def test_a_running_webhook_changes_its_mind_between_two_reviews(tmp_path: Path) -> None:
    with started(tmp_path, "--tls-dir", str(tmp_path / "tls")) as process:
        connection = process.connect()
        file = tmp_path / "karb-guard.yaml"
        assert ask(connection, DENIED)["allowed"] is False
        file.write_text(LENIENT)
        until(lambda: ask(connection, DENIED)["allowed"] is True)
        file.write_text(BAD)
        until(lambda: sample(process, 'karb_guard_reloads_total{outcome="refused"}') == 1)
        assert ask(connection, DENIED)["allowed"] is True, "the last good one stays"
        assert process.probe("/readyz") == 200, "and it stays ready"
        file.write_text(CONFIG)
        until(lambda: ask(connection, DENIED)["allowed"] is False)
        assert sample(process, "karb_guard_reload_ok") == 1


def loaded_info(process: Process) -> list[dict[str, str]]:
    """The labels of each series of ``karb_guard_loaded_info``."""
    url = f"http://127.0.0.1:{process.metrics_port}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        text = answer.read().decode()
    series = re.findall(r"^karb_guard_loaded_info\{(.*)\} 1.0$", text, re.M)
    return [dict(re.findall(r'(\w+)="([^"]*)"', labels)) for labels in series]


def test_sighup_reloads_at_once_and_the_metric_names_what_is_in_force(tmp_path: Path) -> None:
    with started(tmp_path, "--tls-dir", str(tmp_path / "tls")) as process:
        (before,) = loaded_info(process)
        assert before["version"] == __version__
        assert int(before["invariants"]) > 50
        url = f"http://127.0.0.1:{process.metrics_port}/readyz"
        with urllib.request.urlopen(url, timeout=5) as answer:
            assert json.loads(answer.read())["loaded"] == before["digest"]
        for _ in range(3):
            process.popen.send_signal(signal.SIGHUP)
        loaded = 'karb_guard_reloads_total{outcome="loaded"}'
        until(lambda: sample(process, loaded) >= 1)
        assert loaded_info(process) == [before], "the same files"
        (tmp_path / "karb-guard.yaml").write_text(LENIENT)
        process.popen.send_signal(signal.SIGHUP)
        until(lambda: ask(process.connect(), DENIED)["allowed"] is True)
        (after,) = loaded_info(process)
        assert after["digest"] != before["digest"]
        assert process.popen.poll() is None


def test_a_token_and_a_ca_of_an_opa_server_are_followed(tmp_path: Path) -> None:
    for name in ("token", "ca.pem"):
        (tmp_path / name).write_text(name)
    opa = "{url: 'https://127.0.0.1:1', tokenFile: token, caFile: ca.pem}"
    file = tmp_path / "karb-guard.yaml"
    file.write_text(f"engine: {{type: embedded, opa: {opa}}}\n")
    with assemble(Choices(file)) as guard:
        assert paths_of(guard) == (file,), "an engine that is not in use reads nothing"
        engine = replace(guard.config.engine, type="opa")
        config = replace(guard.config, engine=engine)
        used = guard._replace(loaded=guard.loaded._replace(config=config))
        assert paths_of(used) == (file, tmp_path / "token", tmp_path / "ca.pem")


def test_a_broken_policy_is_refused_and_the_old_ones_stay(tmp_path: Path) -> None:
    folder = scaffold(tmp_path / "own", "demo/demo-reload")
    rig = Rig(tmp_path / "karb-guard.yaml", f"policies: [{tmp_path / 'own'}]\n{LENIENT}")
    policy = folder / "policy.rego"
    good = policy.read_text()
    policy.write_text(good + "\nviolations contains {\n")
    assert rig.twice() == REFUSED
    assert "policy.rego" in rig.events.told[-1][1]
    policy.write_text(good + "\n# said once more\n")
    assert rig.twice() == LOADED
    assert "demo-reload" in rig.swapped[-1].enabled


def until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not check():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.2)


def sample(process: Process, name: str) -> float:
    url = f"http://127.0.0.1:{process.metrics_port}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        text = answer.read().decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    return float(found[1]) if found else 0.0
