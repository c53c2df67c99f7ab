"""Which replicas of the webhook there are, and what each of them counted.

A replica that should be there and does not answer is a problem of the whole scrape, never left out.
"""

from __future__ import annotations

import concurrent.futures
import datetime
import http.client
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from audit.controller import exposition
from karb_guard.cluster.client import ClusterClient, segment
from karb_guard.cluster.errors import ClusterError
from karb_guard.rollout.counters import MAX_REPLICAS, Sample, Scrape

TIMEOUT_SECONDS = 5.0
METRICS_PORT = 8080
SERVICE_LABEL = "kubernetes.io/service-name"


class Replica(NamedTuple):
    """Where one is asked."""

    name: str
    """Its Pod's, or its address."""
    host: str
    port: int


class Replicas(Protocol):
    """Who knows the replicas. Behind an interface because a test runs them outside of a cluster."""

    def listed(self) -> Sequence[Replica]:
        """All of them, ready or not. Raises ``ClusterError`` where nobody can say."""
        ...


@dataclass(frozen=True, slots=True)
class GivenReplicas:
    """Addresses of the command line."""

    addresses: Sequence[str]
    """``HOST:PORT``."""

    def listed(self) -> Sequence[Replica]:
        """One an address."""
        return [address_of(text) for text in self.addresses]


@dataclass(frozen=True, slots=True)
class EndpointReplicas:
    """The endpoints of the webhook's Service, from its EndpointSlices (discovery.k8s.io/v1)."""

    client: ClusterClient
    namespace: str
    service: str
    port: int = METRICS_PORT

    def listed(self) -> Sequence[Replica]:
        """Every address, of unready Pods too: what they counted may be lost."""
        path = f"/apis/discovery.k8s.io/v1/namespaces/{segment(self.namespace)}/endpointslices"
        slices, _ = self.client.list(path, {"labelSelector": f"{SERVICE_LABEL}={self.service}"})
        found: dict[str, Replica] = {}
        for entry in (e for s in slices for e in s.get("endpoints") or ()):
            for host in entry.get("addresses") or ():
                name = str((entry.get("targetRef") or {}).get("name") or host)
                found[name] = Replica(name, str(host), self.port)
        return [found[name] for name in sorted(found)]


def address_of(text: str) -> Replica:
    """``HOST:PORT`` as a replica. Raises ``ValueError``."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{text} is no HOST:PORT")
    return Replica(text, host.strip("[]"), int(port))


def scraped(replicas: Replicas, now: Callable[[], datetime.datetime]) -> Scrape:
    """Ask all of them at once; never raises for what does not answer."""
    try:
        listed = replicas.listed()
    except ClusterError as error:
        return Scrape(now(), problems=[f"the replicas are not known: {error}"])
    if not listed:
        return Scrape(now())
    asked = listed[:MAX_REPLICAS]  # nothing goes up then; what these deny still brings back
    with concurrent.futures.ThreadPoolExecutor(min(len(asked), 8)) as pool:
        answers = list(pool.map(_asked, asked))
    samples = [answer for answer in answers if isinstance(answer, Sample)]
    problems = [answer for answer in answers if isinstance(answer, str)]
    if len(listed) > len(asked):
        problems.append(f"there are {len(listed)} replicas, {len(asked)} are asked")
    return Scrape(now(), samples, problems)


def _asked(replica: Replica) -> Sample | str:
    """Its sample, or why there is none, with its name."""
    connection = http.client.HTTPConnection(replica.host, replica.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        if answer.status != 200:
            return f"{replica.name}: /metrics answers {answer.status}"
        body = answer.read(exposition.MAX_BYTES + 1)
        if len(body) > exposition.MAX_BYTES:
            return f"{replica.name}: /metrics is larger than {exposition.MAX_BYTES} bytes"
        return exposition.read(replica.name, body.decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{replica.name}: {type(error).__name__}: {error}"[:300]
    finally:
        connection.close()
