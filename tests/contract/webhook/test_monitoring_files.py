"""Alert rules and dashboard: promtool takes them, and they name metrics that exist."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support.chart import of_kind
from tests.support.helm import CHART, render
from tests.support.promtool import promtool
from webhook.metrics import Metrics

ALERTS = CHART / "files" / "alerts.yaml"
DASHBOARD = CHART / "files" / "dashboard.json"
TESTS = Path(__file__).parent / "data" / "alerts_test.yaml"


def exported() -> dict[str, set[str]]:
    """Name of a sample -> its labels."""
    found: dict[str, set[str]] = {}
    for metric in Metrics().registry.collect():
        name = metric.name
        collector = next(
            c for c, names in Metrics().registry._collector_to_names.items() if name in names
        )
        labels = set(collector._labelnames)  # type: ignore[attr-defined]
        endings = {
            "counter": ("_total",),
            "histogram": ("_bucket", "_sum", "_count"),
        }.get(metric.type, ("",))
        found.update({f"{name}{ending}": labels for ending in endings})
    return found


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def expressions() -> Iterator[tuple[str, str]]:
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])


def test_promtool_takes_the_rules() -> None:
    done = promtool("check", "rules", ALERTS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules())} rules found" in done.stdout


def test_the_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    for file in (ALERTS, TESTS):
        shutil.copy(file, tmp_path / file.name)
    done = promtool("test", "rules", tmp_path / TESTS.name)
    assert done.returncode == 0, done.stdout + done.stderr
    broken = ALERTS.read_text().replace("for: 5m", "for: 50m")
    (tmp_path / ALERTS.name).write_text(broken)
    assert promtool("test", "rules", tmp_path / TESTS.name).returncode != 0


def test_every_alert_has_a_test_in_which_it_fires() -> None:
    tests = yaml.safe_load(TESTS.read_text())["tests"]
    fired = {
        case["alertname"]
        for test in tests
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    }
    assert fired == {rule["alert"] for rule in rules()}


def test_every_alert_says_what_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]


def test_every_metric_and_label_named_exists() -> None:
    known = exported()
    scraped = {"namespace", "pod", "le"}
    for where, expression in expressions():
        names = re.findall(r"\bkarb_guard_[a-z_]+", expression)
        assert names, where
        for name in names:
            assert name in known, f"{where}: {name}"
        allowed = scraped.union(*(known[name] for name in names))
        for by in re.findall(r"\bby \(([^)]*)\)", expression):
            used = {label.strip() for label in by.split(",")}
            assert used <= allowed, f"{where}: {used - allowed}"
        for name, matchers in re.findall(r"\b(karb_guard_[a-z_]+)\{([^}]*)\}", expression):
            used = set(re.findall(r"([a-z_]+)\s*[=!]", matchers))
            assert used <= known[name] | scraped, f"{where}: {used}"


def test_the_dashboards_expressions_are_promql(tmp_path: Path) -> None:
    def plain(expression: str) -> str:
        text = expression.replace("$__rate_interval", "5m").replace("$__range", "6h")
        return text.replace("$namespace", ".*")

    recorded = [
        {"record": f"panel:{n}", "expr": plain(expression)}
        for n, (_, expression) in enumerate(expressions())
    ]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_fits_on_its_grid() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not cells & taken, f"{panel['title']} covers another panel"
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_the_chart_carries_both_as_they_are() -> None:
    objects = render("monitoring.prometheusRule.enabled=true", "monitoring.dashboard.enabled=true")
    assert of_kind(objects, "PrometheusRule")["spec"] == yaml.safe_load(ALERTS.read_text())
    (dashboard,) = [o for o in objects if o["metadata"]["name"].endswith("-dashboard")]
    assert json.loads(dashboard["data"]["karb-guard.json"]) == json.loads(DASHBOARD.read_text())
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
