from typing import Any

import pytest

from karb_guard.evaluation.prepare import prepare
from karb_guard.facts import limits
from karb_guard.facts.settings import FactSettings


def network_policy(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "np", "namespace": "inference"},
        "spec": {"podSelector": {}, **spec},
    }


def _blocks(excepted: int, peers: int = 1) -> list[dict[str, Any]]:
    return [{"ipBlock": {"cidr": "::/0", "except": ["fd00::/8"] * excepted}}] * peers


@pytest.mark.parametrize(
    ("spec", "beyond"),
    [
        ({"egress": [{"to": _blocks(limits.MAX_POLICY_ENTRIES - 2)}]}, False),
        ({"egress": [{"to": _blocks(limits.MAX_POLICY_ENTRIES - 1)}]}, True),
        ({"egress": [{"to": _blocks(49, 100)}]}, True),
        ({"ingress": [{"from": _blocks(0, limits.MAX_POLICY_ENTRIES)}]}, True),
        ({"ingress": [{}] * 2_500, "egress": [{}] * 2_500}, False),
        ({"ingress": [{"ports": [{}]}] * 2_500, "egress": [{}]}, True),
        ({"ingress": [None, 1, {"from": [None, {"ipBlock": 1}], "ports": {}}], "egress": 1}, False),
    ],
)
def test_the_entries_of_a_network_policy_are_bounded(spec: dict[str, Any], beyond: bool) -> None:
    obj = network_policy(**spec)
    prepared = prepare(obj, FactSettings(), None, {"networking.k8s.io/NetworkPolicy"})
    assert ("rules, peers, excepted networks and ports" in str(prepared.refused)) == beyond
    assert (limits.check_network_policy(obj) is not None) == beyond
    assert ("networkPolicy" in prepared.document) == (not beyond)


@pytest.mark.parametrize("obj", [{}, {"spec": None}, {"spec": []}])
def test_a_network_policy_of_any_shape_is_counted(obj: dict[str, Any]) -> None:
    assert limits.check_network_policy(obj) is None
