"""How long preStop sleeps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard import facts, workloads
from karb_guard.facts.lifecycle import stop_sleep


def executed(*command: Any) -> dict[str, Any]:
    return {"preStop": {"exec": {"command": list(command)}}}


@pytest.mark.parametrize(
    ("lifecycle", "seconds"),
    [
        ({"preStop": {"sleep": {"seconds": 15}}}, 15),
        (executed("sleep", "15"), 15),
        (executed("/bin/sleep", "1.5m"), 90),
        (executed("sh", "-c", "sleep 20; kill -TERM 1"), 20),
        (executed("sh", "-c", "(sleep 5 && curl localhost/drain)"), 5),
        (executed("sh", "-c", "if x; then sleep 5; else sleep 30; fi"), 30),
        (executed("sh", "-c", "sleep $DELAY"), None),
        (executed("sh", "-c", "nosleep 5"), None),
        (executed("/opt/drain.sh", "sleepy 3"), None),
        (executed("sleep"), None),
        ({"preStop": {"httpGet": {"path": "/", "port": 1}}}, None),
        ({"postStart": {"sleep": {"seconds": 9}}}, None),
    ],
)
def test_what_it_sleeps(lifecycle: dict[str, Any], seconds: float | None) -> None:
    assert stop_sleep(lifecycle) == seconds


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(0) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["preStop", "sleep", "seconds", "exec", "command"]), inner
            )
        ),
    )
)
def test_any_shape_is_read_or_left(lifecycle: Any) -> None:
    found = stop_sleep(lifecycle)
    assert found is None or found >= 0


def test_long_commands_are_cut() -> None:
    assert stop_sleep(executed("sh", "-c", "x" * 100_000 + " sleep 5")) is None
    assert stop_sleep(executed(*["a"] * 101, "sleep", "5")) is None


def test_a_container_shows_it() -> None:
    container = {"name": "a", "lifecycle": executed("sleep", "3")}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "spec": {"containers": [container, {"name": "b", "lifecycle": {}}]},
    }
    [view] = facts.build(pod, workloads.resolve(pod)).pods
    assert [c.get("stopSleep") for c in view["containers"]] == [3.0, None]
