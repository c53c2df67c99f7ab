"""Keeps the webhook configurations right, validating and mutating.

They are created once the service answers, and repaired when someone changes them or the
certificate authority does. Only the leader writes; the others stand by.
"""

from __future__ import annotations

import copy
import http.client
import logging
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from karb_guard.cluster.client import ClusterClient, segment
from karb_guard.cluster.errors import ClusterError, ConflictError
from karb_guard.cluster.leases import Alone, Leadership
from karb_guard.cluster.reflector import Reflector
from webhook.logs import log, logger
from webhook.metrics import Metrics
from webhook.rules import Json, encoded
from webhook.tls import client_context

_API = "/apis/admissionregistration.k8s.io/v1"
COLLECTIONS = {
    "ValidatingWebhookConfiguration": f"{_API}/validatingwebhookconfigurations",
    "MutatingWebhookConfiguration": f"{_API}/mutatingwebhookconfigurations",
}
"""Kind -> the path of its collection."""
REVISION_ANNOTATION = "karb.dev/registration-revision"
"""Grows with each upgrade (the chart writes the release's revision)."""
INJECT_ANNOTATION = "cert-manager.io/inject-ca-from"
"""Says that cert-manager keeps the caBundle; ours only fills one that is empty."""
REPAIR_SECONDS = 30.0
"""The longest that a change by someone else lasts, should the watch miss it."""
HELD_SECONDS = 5.0
"""How often to ask whether break-glass is over."""
PROBE_TIMEOUT_SECONDS = 3.0
PROBE_RETRY_SECONDS = 1.0
PROBES_IN_A_ROW = 8
"""While an upgrade rolls out, a Service also leads to replicas with the older configuration: one
in four of them would pass unnoticed in a tenth of all cases. Whoever is asked has to agree."""

_NEVER = {"name": "break-glass.karb.dev", "expression": "false"}
"""The matchCondition that keeps API servers from asking, whoever answers."""
_SELECTORS = frozenset({"namespaceSelector", "objectSelector"})

Wanted = Callable[[Json | None, bytes], Json | None]
"""(what is stored, caBundle) -> what has to be stored; ``None``: wait until someone creates it."""


@dataclass(frozen=True, slots=True)
class Target:
    """One configuration to keep right."""

    kind: str
    """``ValidatingWebhookConfiguration`` or ``MutatingWebhookConfiguration``."""
    name: str
    wanted: Wanted

    @property
    def collection(self) -> str:
        """The path of the collection."""
        return COLLECTIONS[self.kind]

    @property
    def path(self) -> str:
        """The path of the object."""
        return f"{self.collection}/{segment(self.name)}"


def of_template(template: Json, owner: Json | None = None) -> Target:
    """The whole configuration of ``template`` is ours."""
    return Target(template["kind"], template["metadata"]["name"], whole(template, owner))


class Registrar:
    """Brings configurations in line, in a thread of its own."""

    def __init__(
        self,
        client: ClusterClient,
        targets: Sequence[Target],
        bundle: Callable[[], bytes | None],
        metrics: Metrics,
        leadership: Leadership | None = None,
    ) -> None:
        """``bundle`` gives the caBundle, or ``None`` while there is no certificate."""
        self._client = client
        self.targets = tuple(targets)
        self._bundle = bundle
        self._metrics = metrics
        self._leadership = leadership or Alone()
        self._held: Callable[[], str | None] = lambda: None
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._watches = [self._watch(target) for target in self.targets]
        self._thread = threading.Thread(target=self._run, name="registration", daemon=True)
        self._answers: Callable[[bytes], bool] = lambda _: True

    def hold(self, reason: Callable[[], str | None]) -> None:
        """While ``reason()`` gives one, nothing is created or repaired.

        Asked before each write; it may wait, and raise ``ClusterError``.
        """
        self._held = reason

    def start(self, answers: Callable[[bytes], bool]) -> None:
        """Begin once ``answers(bundle)`` says that the service does, trusted by the bundle."""
        self._answers = answers
        self._thread.start()

    def stop(self) -> None:
        """Stop repairing. The configurations stay: other replicas serve them."""
        self._stopping.set()
        self._wake.set()
        for watch in self._watches:
            watch.stop()

    def poke(self) -> None:
        """The bundle or the leader may have changed: look now."""
        self._wake.set()

    def ensure(self, target: Target) -> str:
        """Compare and correct once.

        ``unchanged``, ``created``, ``repaired``, ``held`` or ``waiting``.

        Raises ``ClusterError``; ``ConflictError`` when someone else wrote at the same time.
        """
        bundle = self._bundle()
        if bundle is None:
            return "waiting"
        stored = self._client.get(target.path)
        wanted = target.wanted(stored, bundle)
        if wanted is None:
            return "waiting"
        if stored is not None and covers(stored, wanted):
            return "unchanged"
        if self._held() is not None:
            return "held"
        if stored is None:
            self._client.create(target.collection, wanted)
            return "created"
        self._client.replace(target.path, _merged(stored, wanted))
        return "repaired"

    def _watch(self, target: Target) -> Reflector:
        query = {"fieldSelector": f"metadata.name={target.name}"}
        # Every change counts, so that what is kept of an object has to differ at each.
        return Reflector(self._client, target.collection, _version, query, self._wake.set)

    def _run(self) -> None:
        while not self._stopping.is_set() and not self._all_answer():
            self._stopping.wait(PROBE_RETRY_SECONDS)
        for watch in self._watches:
            watch.start()
        while not self._stopping.is_set():
            self._wake.clear()
            outcomes = []
            if self._leadership.is_leader:
                outcomes = [self._once(target) for target in self.targets]
            self._wake.wait(HELD_SECONDS if "held" in outcomes else REPAIR_SECONDS)

    def _all_answer(self) -> bool:
        bundle = self._bundle()
        if bundle is None:
            return False
        return all(self._answers(bundle) for _ in range(PROBES_IN_A_ROW))

    def _once(self, target: Target) -> str:
        try:
            outcome = self.ensure(target)
        except ConflictError:
            outcome = "conflict"
            self._wake.set()  # someone was faster: look at what they wrote
            self._stopping.wait(0.1)
        except ClusterError as error:
            outcome = "failed"
            log(logging.ERROR, "webhook configuration not checked", problem=str(error))
        except Exception:  # noqa: BLE001 - whatever is stored there must not end the thread
            outcome = "failed"
            logger.exception("webhook configuration not checked")
        self._metrics.registrations.labels(outcome).inc()
        if outcome in ("created", "repaired"):
            what = f"webhook configuration {outcome}"
            log(logging.INFO, what, kind=target.kind, name=target.name)
        return outcome


def whole(template: Json, owner: Json | None = None) -> Wanted:
    """The configuration is ours: ``template`` with the caBundle, owned by ``owner`` if given.

    While an upgrade rolls out, replicas of the older revision leave the newer one's rules alone.
    """
    document = _selecting_all(copy.deepcopy(template))
    if owner is not None:
        document["metadata"]["ownerReferences"] = [owner]

    def wanted(stored: Json | None, bundle: bytes) -> Json:
        newer = (
            stored is not None
            and _same_owner(stored, document)
            and (_revision(stored) > _revision(document))
        )
        ours = switched_on(stored) if newer and stored is not None else document
        found = _with_bundle(ours, bundle)
        return _with_bundles_of(stored, found) if _is_injected(document) else found

    return wanted


def bundle_only(stored: Json | None, bundle: bytes) -> Json | None:
    """Someone else (a chart) keeps the configuration; only the caBundle is ours.

    And what break-glass left there is taken away when its time is over.
    """
    return None if stored is None else _with_bundle(switched_on(stored), bundle)


def switched_off(document: Json) -> Json:
    """``document`` as break-glass makes it: no request matches any more. Reversible."""
    changed = switched_on(document)
    for webhook in changed.get("webhooks") or []:
        webhook["matchConditions"] = [*(webhook.get("matchConditions") or []), dict(_NEVER)]
    return changed


def switched_on(document: Json) -> Json:
    """``document`` without what ``switched_off`` added."""
    changed = copy.deepcopy(document)
    for webhook in changed.get("webhooks") or []:
        conditions = webhook.get("matchConditions") or []
        if any(condition.get("name") == _NEVER["name"] for condition in conditions):
            left = [one for one in conditions if one.get("name") != _NEVER["name"]]
            webhook["matchConditions"] = left
    return changed


def is_switched_off(document: Json) -> bool:
    """Whether any webhook of ``document`` is kept from being asked by break-glass."""
    return switched_on(document) != document


def covers(stored: Any, wanted: Any) -> bool:
    """Whether ``stored`` says all that ``wanted`` says: maps may hold more, lists may not.

    Selectors may not either: each term more is a way around the webhook.
    """
    if isinstance(wanted, dict):
        return isinstance(stored, dict) and all(
            key in stored
            and (stored[key] == value if key in _SELECTORS else covers(stored[key], value))
            for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        same_length = isinstance(stored, list) and len(stored) == len(wanted)
        return same_length and all(map(covers, stored, wanted))
    return bool(stored == wanted)


def owner_reference(client: ClusterClient, path: str) -> Json:
    """The ownerReference of a cluster-scoped object, so that its deletion takes ours along."""
    found = client.get(path)
    if found is None:
        raise ClusterError(f"{path}: the owner of the webhook configuration does not exist")
    return {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        "name": found["metadata"]["name"],
        "uid": found["metadata"]["uid"],
    }


def answers(base_url: str, bundle: bytes, digest: str) -> bool:
    """Whether the webhook answers as an API server would see it, with ``digest`` loaded.

    Goes through the Service (or the URL), so that a wrong address, certificate or port keeps the
    webhook from being registered instead of breaking creates.
    """
    where = urlsplit(base_url)
    context = client_context(bundle)
    connection = http.client.HTTPSConnection(
        where.hostname or "", where.port or 443, timeout=PROBE_TIMEOUT_SECONDS, context=context
    )
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = orjson.loads(answer.read(64 * 1024))
        right = answer.status == 200 and body.get("loaded") == digest
        problem = "" if right else f"/readyz answers {answer.status}, or with another configuration"
    except (OSError, ssl.SSLError, http.client.HTTPException, orjson.JSONDecodeError) as error:
        right, problem = False, str(error)
    finally:
        connection.close()
    if not right:
        log(logging.INFO, "waiting for the service to answer", url=base_url, problem=problem)
    return right


def _version(stored: Json) -> str:
    return str(stored["metadata"].get("resourceVersion"))


def _revision(document: Json) -> int:
    annotations = document["metadata"].get("annotations") or {}
    text = str(annotations.get(REVISION_ANNOTATION, ""))
    return int(text) if text.isascii() and text.isdigit() else 0


def _same_owner(stored: Json, document: Json) -> bool:
    """A leftover of an earlier installation counts revisions of its own."""
    owners = [d["metadata"].get("ownerReferences") or [] for d in (stored, document)]
    return [o.get("uid") for o in owners[0]] == [o.get("uid") for o in owners[1]]


def _selecting_all(document: Json) -> Json:
    """``document`` with the selectors written out that it leaves to the defaults."""
    webhooks = [
        {**webhook, **{name: webhook.get(name) or {} for name in _SELECTORS}}
        for webhook in document.get("webhooks") or []
    ]
    return {**document, "webhooks": webhooks}


def _is_injected(document: Json) -> bool:
    return INJECT_ANNOTATION in (document["metadata"].get("annotations") or {})


def _with_bundles_of(stored: Json | None, document: Json) -> Json:
    """``document`` with each caBundle that is there already: its injector keeps it."""
    there = {
        str(webhook.get("name")): (webhook.get("clientConfig") or {}).get("caBundle")
        for webhook in (stored or {}).get("webhooks") or []
    }
    for webhook in document.get("webhooks") or []:
        webhook["clientConfig"]["caBundle"] = (
            there.get(str(webhook.get("name"))) or webhook["clientConfig"]["caBundle"]
        )
    return document


def _with_bundle(document: Json, bundle: bytes) -> Json:
    changed = copy.deepcopy(document)
    for webhook in changed.get("webhooks") or []:
        webhook.setdefault("clientConfig", {})["caBundle"] = encoded(bundle)
    return changed


def _merged(stored: Json, wanted: Json) -> Json:
    """``wanted`` with the stored metadata that is not ours (resourceVersion, others' labels)."""
    metadata = {**stored["metadata"]}
    for key, value in wanted["metadata"].items():
        theirs = metadata.get(key)
        merge = isinstance(value, dict) and isinstance(theirs, dict)
        metadata[key] = {**(theirs or {}), **value} if merge else value
    return {**wanted, "metadata": metadata}
