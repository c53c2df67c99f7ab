"""The policies of one namespace, indexed by a label that the pods they select must have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from karb_guard.network.endpoints import DnsServer, Endpoint
from karb_guard.network.rules import Policy, Rule, compile_policy
from karb_guard.network.selectors import InvalidPolicyError, Labels
from karb_guard.network.truth import Truth, all_of, any_of


class Stance(NamedTuple):
    """What the policies that select a pod leave open in one direction."""

    namespace: str | None
    speaking: tuple[tuple[tuple[Rule, ...], Truth], ...]
    """The rules of each policy of this type, and whether it selects the pod (never ``False``)."""

    @property
    def isolated(self) -> Truth:
        """Whether a policy of this type selects the pod: then only what is allowed is open."""
        return any_of(selected for _, selected in self.speaking)

    @property
    def denied(self) -> Truth:
        """Isolated, and nothing is allowed."""
        if any(rules and selected for rules, selected in self.speaking):
            return False
        return None if any(rules for rules, _ in self.speaking) else self.isolated

    def allows(self, endpoint: Endpoint, protocol: str, port: int) -> Truth:
        """Whether this connection is open; ``port`` is that of the side that listens."""
        isolated = self.isolated
        if isolated is False:
            return True
        opened = any_of(
            all_of((selected, rule.allows(endpoint, protocol, port, self.namespace)))
            for rules, selected in self.speaking
            for rule in rules
        )
        # A policy that may select the pod could close what is open without it.
        return opened if isolated else None


class Policies:
    """The NetworkPolicies of one namespace; what the API server would refuse is left out.

    Looking up a pod whose labels are known costs its labels and the policies that may select it,
    not all policies.
    """

    def __init__(
        self,
        projected: Iterable[Mapping[str, Any]],
        namespace: str | None,
        dns: tuple[DnsServer, ...] = (),
    ) -> None:
        """``projected`` as ``inventory.context.project_policy`` gives them."""
        self.namespace = namespace
        self.dns = dns
        self._for_all: list[Policy] = []
        self._by_label: dict[str, dict[str, list[Policy]]] = {}
        for each in projected:
            self._add(each)

    def _add(self, projected: Mapping[str, Any]) -> None:
        try:
            policy = compile_policy(projected)
        except InvalidPolicyError:
            return
        pair = policy.selector.pair
        if pair is None:
            self._for_all.append(policy)
        else:
            self._by_label.setdefault(pair[0], {}).setdefault(pair[1], []).append(policy)

    def selecting(self, labels: Labels) -> list[tuple[Policy, Truth]]:
        """The policies that select a pod with ``labels`` (``True``), or that may (``None``)."""
        judged = ((policy, policy.selector.matches(labels)) for policy in self._candidates(labels))
        return [(policy, selected) for policy, selected in judged if selected is not False]

    def _candidates(self, labels: Labels) -> Iterator[Policy]:
        yield from self._for_all
        for key, value in labels.values.items():
            yield from self._by_label.get(key, {}).get(value, ())
        unknown = labels.open if labels.complete else self._by_label.keys()
        for key in unknown - labels.values.keys():
            for rows in self._by_label.get(key, {}).values():
                yield from rows

    def stance(self, labels: Labels, direction: str) -> Stance:
        """What is open for a pod with ``labels`` in ``direction`` (``Ingress``, ``Egress``)."""
        return stance_of(self.selecting(labels), direction, self.namespace)


def stance_of(
    selecting: Iterable[tuple[Policy, Truth]], direction: str, namespace: str | None
) -> Stance:
    """The stance of a pod whose policies have been looked up."""
    speaking = (
        (policy.rules[direction], selected)
        for policy, selected in selecting
        if direction in policy.rules
    )
    return Stance(namespace, tuple(speaking))
