"""Watches of a cluster through whatever an API server may answer, by a real HTTP server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from audit import watches as module
from audit.collecting import Collector
from audit.dirt import Dirt
from audit.mirror import Mirror
from audit.plan import Plan, plan_of
from audit.progress import Progress
from audit.spool import Spool
from audit.watches import Watches
from karb_guard.cluster import follower
from karb_guard.cluster.client import connect
from karb_guard.cluster.errors import ClusterError
from tests.support.api_script import Query, Reply, failure, scripted
from tests.support.judging import catalogue

Json = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
ROLES = f"/apis/{RBAC}/v1/roles"
NAMESPACES = "/api/v1/namespaces"
KINDS = {ROLES: (RBAC, "Role", True), NAMESPACES: ("", "Namespace", False)}
SECONDS = 60
MISSING = "roles.rbac.authorization.k8s.io"


def role(name: str, version: int = 1, **more: Any) -> Json:
    metadata = {"name": name, "namespace": "a", "resourceVersion": str(version)}
    return {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, **more}


@dataclass
class Server:
    """Two collections; watches stay open until something is said, or they are cut."""

    lists: dict[str, list[Json]] = field(default_factory=lambda: {ROLES: [], NAMESPACES: []})
    served: set[str] = field(default_factory=lambda: {ROLES, NAMESPACES})
    trouble: dict[str, Reply] = field(default_factory=dict)
    """Path -> the answer to its lists."""
    watch_trouble: dict[str, Reply] = field(default_factory=dict)
    said: dict[str, bytes] = field(default_factory=dict)
    """Path -> what its open watch says next."""
    watched: list[tuple[str, str]] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, query: Query) -> Reply:
        if path in ("/api", "/apis"):
            return Reply(self._discovery(core=path == "/api"))
        if path not in self.served:
            return failure(404, "the server could not find the requested resource")
        if query.get("watch") == "true":
            return self._watch(path, query)
        self.listed.append(path)
        items = self.lists[path]
        body = {"metadata": {"resourceVersion": "100"}, "items": items}
        return self.trouble.get(path) or Reply({"kind": "List", **body})

    def _watch(self, path: str, query: Query) -> Reply:
        if path in self.watch_trouble:
            return self.watch_trouble[path]
        self.watched.append((path, query["resourceVersion"]))
        return Reply(None, stream=self._events(path))

    def _events(self, path: str) -> Iterator[bytes]:
        while not self.ended.is_set():
            if path in self.said:
                yield self.said.pop(path)
                return
            if path in self.trouble or path not in self.served:
                raise OSError  # cut
            time.sleep(0.01)

    def say(self, path: str, *events: tuple[str, Json]) -> None:
        text = "".join(json.dumps({"type": kind, "object": obj}) + "\n" for kind, obj in events)
        self.said[path] = text.encode()

    def _discovery(self, *, core: bool) -> Json:
        items: list[Json] = []
        for path in self.served:
            group, kind, namespaced = KINDS[path]
            if (group == "") is core:
                resource = {
                    "resource": path.rpartition("/")[2],
                    "responseKind": {"kind": kind},
                    "scope": "Namespaced" if namespaced else "Cluster",
                    "verbs": ["list", "watch"],
                }
                versions = [{"version": "v1", "resources": [resource]}]
                items.append({"metadata": {"name": group}, "versions": versions})
        return {"kind": "APIGroupDiscoveryList", "items": items}


@dataclass
class Rig:
    server: Server
    plan: Plan
    mirror: Mirror
    watches: Watches
    dirt: Dirt

    def roles(self) -> set[str]:
        """The names that a judgement would see."""
        with Spool() as spool:
            collector = Collector(self.plan, spool, lambda _: None)
            self.watches.fill(collector, None)
            kept = collector.collected.pinned
        return {obj["metadata"]["name"] for obj in kept if obj["kind"] == "Role"}

    def missing(self) -> dict[str, str]:
        return {each.what: each.reason for each in self.watches.missing()}

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"{what}: {self.missing()} {self.server.watched}"
            time.sleep(0.02)


@contextmanager
def rig(
    directory: Path, server: Server, namespaces: tuple[str, ...] = (), resync: float = 600
) -> Iterator[Rig]:
    plan = plan_of([catalogue().by_name["rbac-wild"]])
    dirt = Dirt()
    mirror = Mirror(plan, dirt)
    with scripted(server.answer) as script:
        watches = Watches(connect(script.kubeconfig(directory)), plan, mirror, namespaces, resync)
        try:
            watches.start(Progress())
            yield Rig(server, plan, mirror, watches, dirt)
        finally:
            server.ended.set()
            watches.stop()
            mirror.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SURVEY_SECONDS", 0.1)
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(module, "FIRST_LISTS_SECONDS", 0.5)
    monkeypatch.setattr(follower, "ABSENT_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(follower, "FIRST_WAIT_SECONDS", 0.05)


def test_events_are_seen_and_the_next_watch_goes_on_from_there(tmp_path: Path) -> None:
    server = Server()
    server.lists[ROLES] = [role("old")]
    with rig(tmp_path, server) as made:
        assert made.roles() == {"old"}
        server.say(ROLES, ("ADDED", role("new", 101)), ("DELETED", role("old", 102)))
        made.until("the event", lambda: made.roles() == {"new"})
        made.until("the next watch", lambda: (ROLES, "102") in server.watched)
        assert server.listed.count(ROLES) == 1
        made.until("no gap", lambda: made.missing() == {})


def test_a_version_that_expired_is_listed_anew(tmp_path: Path) -> None:
    server = Server()
    server.lists[ROLES] = [role("old")]
    with rig(tmp_path, server) as made:
        server.lists[ROLES] = [role("new")]
        server.say(ROLES, ("ERROR", {"kind": "Status", "code": 410, "message": "too old"}))
        made.until("the list", lambda: made.roles() == {"new"})
        made.until("no gap", lambda: made.missing() == {})


def test_what_can_not_be_read_any_more_is_said_and_keeps_its_last_state(tmp_path: Path) -> None:
    server = Server()
    server.lists[ROLES] = [role("old")]
    with rig(tmp_path, server) as made:
        server.trouble[ROLES] = failure(403, "forbidden")
        made.until("it is said", lambda: MISSING in made.missing())
        assert "its last state counts: not allowed; grant" in made.missing()[MISSING]
        assert made.roles() == {"old"}
        server.lists[ROLES] = [role("new")]
        del server.trouble[ROLES]
        made.until("the list", lambda: made.roles() == {"new"})
        made.until("no gap", lambda: made.missing() == {})


def test_what_may_never_be_listed_keeps_nobody_and_is_missing(tmp_path: Path) -> None:
    server = Server()
    server.trouble[ROLES] = failure(403, "forbidden")
    with rig(tmp_path, server) as made:
        gap = next(each for each in made.watches.missing() if each.what == MISSING)
        assert "grant the verb list on roles" in gap.reason
        assert "rbac-wild" in gap.undecided
        made.dirt.take()
        del server.trouble[ROLES]
        made.until("it is seen", lambda: made.missing() == {})
        made.until("verdicts elsewhere may be others", lambda: made.dirt.take().everything)


def test_a_kind_that_is_removed_takes_its_objects_along_and_may_come_back(tmp_path: Path) -> None:
    server = Server()
    server.lists[ROLES] = [role("old")]
    with rig(tmp_path, server) as made:
        server.served.discard(ROLES)
        made.until("it is gone", lambda: made.roles() == set())
        made.until("it is no gap", lambda: made.missing() == {})
        server.served.add(ROLES)
        made.until("it is back", lambda: made.roles() == {"old"})


def test_a_kind_that_may_not_be_watched_is_listed_from_time_to_time(tmp_path: Path) -> None:
    server = Server()
    server.watch_trouble[ROLES] = failure(403, "forbidden")
    with rig(tmp_path, server, resync=0.5) as made:
        made.until("it is said", lambda: MISSING in made.watches.late())
        assert "grant the verb watch on roles" in made.watches.late()[MISSING]
        server.lists[ROLES] = [role("new")]
        made.until("the next list", lambda: made.roles() == {"new"})
        made.until("no gap", lambda: made.missing() == {})


def test_a_resync_finds_what_no_watch_told(tmp_path: Path) -> None:
    server = Server()
    with rig(tmp_path, server, resync=0.5) as made:
        server.lists[ROLES] = [role("untold")]
        made.until("the list", lambda: made.roles() == {"untold"})


def test_an_api_server_that_fails_all_is_said_once(tmp_path: Path) -> None:
    server = Server()
    with rig(tmp_path, server) as made:
        server.trouble = {path: failure(500, "etcd is away") for path in KINDS}
        made.until("it is said", lambda: any("API server" in what for what in made.missing()))
        assert len(made.missing()) == 1
        server.trouble.clear()
        made.until("it is seen again", lambda: made.missing() == {})


def test_a_namespace_that_is_not_there_is_missing_until_it_is(tmp_path: Path) -> None:
    server = Server()
    with rig(tmp_path, server, ("shop",)) as made:
        made.roles()
        assert made.missing() == {"namespace shop": "there is no namespace shop"}
        shop = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
        server.say(NAMESPACES, ("ADDED", shop))

        def seen() -> bool:
            made.roles()
            return made.missing() == {}

        made.until("it is there", seen)


def test_nobody_answering_is_an_error_and_no_report(tmp_path: Path) -> None:
    server = Server()
    cut = Reply(b" " * 100, cut=True)
    server.trouble = dict.fromkeys(KINDS, cut)
    with pytest.raises(ClusterError), rig(tmp_path, server):
        pass
