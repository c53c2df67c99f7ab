import copy
from typing import Any

import pytest

from karb_guard.defaulting import default_pod
from karb_guard.defaulting.containers import pull_policy


def pod(spec: dict[str, Any], **containers: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """Default a pod whose containers are given as role=container."""
    result = default_pod(spec, list(containers.values()), list(containers))
    return result.spec, list(result.containers)


def test_requests_come_from_limits_but_never_replace_what_is_written() -> None:
    resources = {"limits": {"cpu": "2", "nvidia.com/gpu": 1}, "requests": {"cpu": "1"}}
    _, [container] = pod({}, main={"resources": resources})
    assert container["resources"]["requests"] == {"cpu": "1", "nvidia.com/gpu": 1}


def test_an_ephemeral_container_gets_no_requests() -> None:
    _, [container] = pod({}, ephemeral={"resources": {"limits": {"cpu": "1"}}})
    assert "requests" not in container["resources"]


def test_host_network_turns_container_ports_into_host_ports() -> None:
    ports = [{"containerPort": 80}, {"containerPort": 81, "hostPort": 9081}]
    _, [container] = pod({"hostNetwork": True}, main={"ports": ports})
    assert [port["hostPort"] for port in container["ports"]] == [80, 9081]
    _, [container] = pod({"hostNetwork": False}, main={"ports": ports})
    assert "hostPort" not in container["ports"][0]


def test_the_containers_lists_of_the_spec_are_not_kept() -> None:
    spec, _ = pod({"containers": [{"name": "a"}], "initContainers": []}, main={"name": "a"})
    assert "containers" not in spec
    assert "initContainers" not in spec


def test_nothing_that_is_passed_in_changes_or_is_shared_with_defaults() -> None:
    given = {"volumes": [{"name": "v"}], "resources": {"limits": {"cpu": "1"}}}
    container = {"ports": [{"containerPort": 1}], "env": [{"valueFrom": {"fieldRef": {}}}]}
    before = copy.deepcopy((given, container))
    first, _ = pod(given, main=container)
    assert (given, container) == before
    first["securityContext"]["runAsNonRoot"] = True
    second, _ = pod(given, main=container)
    assert second["securityContext"] == {}


def test_pod_level_requests_sum_main_containers_and_sidecars_or_the_largest_init() -> None:
    def needs(cpu: str) -> dict[str, Any]:
        return {"resources": {"requests": {"cpu": cpu}}}

    result = default_pod(
        {"resources": {"limits": {"cpu": "9"}}},
        [needs("500m"), needs("1"), needs("3"), needs("2")],
        ["main", "main", "init", "sidecar"],
    )
    assert result.spec["resources"]["requests"] == {"cpu": "3500m"}
    result = default_pod(
        {"resources": {"limits": {"cpu": "9"}}},
        [needs("500m"), needs("2"), needs("3")],
        ["main", "sidecar", "init"],
    )
    assert result.spec["resources"]["requests"] == {"cpu": "5"}


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1", "IfNotPresent"),
        ("nginx@sha256:" + "a" * 64, "IfNotPresent"),
        ("Bad Image", "IfNotPresent"),
        (None, "IfNotPresent"),
    ],
)
def test_pull_policy_follows_the_tag(image: object, policy: str) -> None:
    assert pull_policy(image) == policy
