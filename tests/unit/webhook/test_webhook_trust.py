"""A replica waits until API servers trust its certificate, and never for long."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest

from karb_guard.cluster.errors import ClusterError
from karb_guard.cluster.leases import Alone
from tests.support.e2e_cluster import seconds_until
from webhook.certificates import issue_leaf, new_authority
from webhook.keeper import utc_now
from webhook.tls import Material
from webhook.trust import Trust

VALIDATING, MUTATING = "/validating/x", "/mutating/x"
OURS, OLDER = (new_authority(utc_now()) for _ in range(2))
MATERIAL = Material(issue_leaf(OURS, ["localhost"], utc_now()), OURS.certificate)
Json = dict[str, Any]


class Follower:
    """A replica that does not lead."""

    is_leader = False


class Stored:
    """Webhook configurations on an API server."""

    def __init__(self, **objects: Json) -> None:
        self.objects: dict[str, Json] = objects

    def get(self, path: str) -> Json | None:
        found = self.objects.get(path)
        if found is not None and "error" in found:
            raise ClusterError("503")
        return found


def trusting(*bundles: bytes) -> Json:
    texts = [base64.b64encode(bundle).decode() for bundle in bundles]
    return {"webhooks": [{"name": t[:9], "clientConfig": {"caBundle": t}} for t in texts]}


def trust(stored: Stored, leads: bool = False, patience: float = 30.0) -> Trust:
    leadership = Alone() if leads else Follower()
    paths = (VALIDATING, MUTATING)
    return Trust(stored, paths, lambda: MATERIAL, leadership, patience=patience, settling=0.2)  # type: ignore[arg-type]


BOTH = OURS.certificate + OLDER.certificate


@pytest.mark.parametrize(
    "objects",
    [
        {},
        {VALIDATING: trusting(OURS.certificate)},
        {VALIDATING: trusting(BOTH), MUTATING: trusting(BOTH, BOTH)},
        {VALIDATING: trusting(b"", BOTH)},
        {VALIDATING: {"webhooks": None}},
    ],
    ids=["nothing registered", "ours", "ours and older", "one to be filled", "no webhooks"],
)
def test_it_is_ready_at_once_where_nobody_distrusts_it(objects: dict[str, Json]) -> None:
    of = trust(Stored(**objects))
    assert of.look() is None
    started = time.monotonic()
    with of.running():
        seconds_until(lambda: of.missing() is None, 5)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "objects",
    [
        {VALIDATING: trusting(OLDER.certificate)},
        {VALIDATING: trusting(BOTH), MUTATING: trusting(OLDER.certificate)},
        {VALIDATING: trusting(BOTH, OLDER.certificate)},
        {VALIDATING: trusting(b"no PEM")},
    ],
    ids=["older", "mutating older", "one webhook older", "not readable"],
)
def test_it_waits_for_the_ca_bundle_and_a_moment_longer(objects: dict[str, Json]) -> None:
    stored = Stored(**objects)
    of = trust(stored)
    with of.running():
        time.sleep(0.7)
        assert "does not hold the CA" in (of.missing() or "")
        stored.objects = {path: trusting(BOTH) for path in objects}
        seconds_until(lambda: of.missing() == "the caBundle was written just now", 5)
        seconds_until(lambda: of.missing() is None, 5)


def test_the_leader_who_has_to_register_it_is_not_held_up() -> None:
    assert trust(Stored(**{VALIDATING: trusting(OLDER.certificate)}), leads=True).missing() is None


@pytest.mark.parametrize(
    "stored", [trusting(OLDER.certificate), {"error": 503}], ids=["older", "unreadable"]
)
def test_patience_ends(stored: Json) -> None:
    of = trust(Stored(**{VALIDATING: stored}), patience=0.6)
    with of.running():
        assert of.missing() is not None
        seconds_until(lambda: of.missing() is None, 10)


def test_a_leaf_of_another_authority_of_the_same_name_is_not_trusted() -> None:
    stored = Stored(**{VALIDATING: trusting(new_authority(utc_now()).certificate)})
    assert trust(stored).look() is not None
