"""A process that takes part in a leader election, and prints a line whenever it leads or not.

One more, ``standing``, says that it has made an attempt and sees the Lease change.

Run as ``python -m tests.support.leader_process KUBECONFIG NAMESPACE NAME IDENTITY DURATION``.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from karb_guard.cluster.client import connect
from karb_guard.cluster.leases import Candidacy, Leader, LeaseTimes


def main(kubeconfig: str, namespace: str, name: str, identity: str, duration: str) -> None:
    """Elect until standard input ends, then let the Lease go."""
    seconds = int(duration)
    times = LeaseTimes(seconds, seconds * 2 / 3, seconds / 8)
    leader = Leader(
        connect(Path(kubeconfig)),
        Candidacy(namespace, name, identity, times),
        lambda leads: print("leading" if leads else "following", time.time(), flush=True),
    )
    leader.start()
    while not (leader._watch.synced and leader.holder):
        time.sleep(0.05)
    print("standing", time.time(), flush=True)
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    ended.wait()
    leader.stop()
    print("stopped", time.time(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
