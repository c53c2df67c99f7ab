"""An unready replica asks API servers to connect elsewhere: found by the drill that kills OPA."""

from __future__ import annotations

from starlette.testclient import TestClient

from tests.support.webhook_rig import Rig, body, pod

JSON = {"content-type": "application/json"}


def test_connections_end_while_a_replica_is_unready_and_stay_when_it_is_well() -> None:
    rig = Rig()
    problem: list[str] = []
    rig.readiness.require("engine", lambda: problem[0] if problem else None)
    with TestClient(rig.app) as client:

        def connection() -> str | None:
            answer = client.post("/validate", content=body(pod("server")), headers=JSON)
            assert answer.status_code == 200
            return answer.headers.get("connection")

        assert client.get("/readyz").status_code == 200
        assert connection() is None
        problem.append("OPA does not answer")
        assert client.get("/readyz").status_code == 503
        assert connection() == "close"
        problem.clear()
        assert client.get("/readyz").status_code == 200
        assert connection() is None
