"""The chart's containers as processes: their own command lines, with the tokens of their accounts.

There are no nodes here, so that what the kubelet would do is done by hand: files that volumes would
bring are written elsewhere, the account's token is in a kubeconfig, and the webhook is reached by
URL, as no Service leads to a process.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.accounts import kubeconfig_of
from tests.support.controlplane import REPOSITORY, Cluster
from tests.support.webhook_process import karb_guard

STOP_SECONDS = 20

Json = dict[str, Any]


@dataclass(frozen=True)
class Pods:
    """The Pods of one rendered chart, by the names of what makes them."""

    cluster: Cluster
    namespace: str
    objects: Sequence[Json]
    directory: Path

    def command(self, kind: str, name: str, changes: Mapping[str, str]) -> list[str]:
        """What the first container of ``kind/name`` runs.

        ``changes``: the beginning of an argument -> what stands there instead; each has to be
        there, so that nothing is changed in vain.
        """
        words = self.spec(kind, name)["containers"][0]["args"]
        account = self.kubeconfig(self.spec(kind, name)["serviceAccountName"])
        every = {"--in-cluster": f"--kubeconfig={account}", **changes}
        found = []
        for word in words:
            start = next((start for start in every if word.startswith(start)), None)
            found.append(word if start is None else every.pop(start))
        assert not every, f"{kind} {name} has no {list(every)}: {words}"
        return [*karb_guard(), *found]

    def spec(self, kind: str, name: str) -> Json:
        """The PodSpec of ``kind/name``."""
        (found,) = [
            o["spec"] for o in self.objects if (o["kind"], o["metadata"]["name"]) == (kind, name)
        ]
        found = found["jobTemplate"]["spec"] if kind == "CronJob" else found
        spec: Json = found if kind == "Pod" else found["template"]["spec"]
        return spec

    def kubeconfig(self, account: str) -> Path:
        """With a token of the account."""
        file = self.directory / f"kubeconfig-{account}"
        if not file.exists():
            file.write_text(kubeconfig_of(self.cluster, self.namespace, account))
        return file

    def file(self, config_map: str, key: str, change: Callable[[str], str] = str) -> Path:
        """What a volume of a ConfigMap would bring."""
        (text,) = [
            o["data"][key]
            for o in self.objects
            if (o["kind"], o["metadata"]["name"]) == ("ConfigMap", config_map)
        ]
        file = self.directory / key
        file.write_text(change(text), encoding="utf-8")
        return file

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """To its end."""
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=REPOSITORY,
            env=self._environment(),
            timeout=300,
            check=False,
        )

    @contextlib.contextmanager
    def running(self, command: Sequence[str], log: str) -> Iterator[Path]:
        """While the context lasts; the log. Ended by its pid, with SIGTERM, as a kubelet does."""
        file = self.directory / log
        with file.open("wb") as out:
            process = subprocess.Popen(
                command, stdout=out, stderr=out, cwd=REPOSITORY, env=self._environment()
            )
        try:
            yield file
            assert process.poll() is None, f"it ended: {file.read_text()[-3000:]}"
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "POD_NAMESPACE": self.namespace}


def until(condition: Callable[[], bool], seconds: float, log: Path) -> None:
    """Wait; where it takes longer, the end of the log says why."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s:\n{log.read_text()[-4000:]}"
        time.sleep(0.1)
