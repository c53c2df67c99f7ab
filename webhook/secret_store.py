"""Keeps the certificate authority in a Secret, shared by the replicas."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from karb_guard.cluster.client import ClusterClient, segment
from karb_guard.cluster.errors import ConflictError
from webhook import authority
from webhook.certificates import KeyPair

_BUNDLE, _KEY = "ca.crt", "ca.key"


class SecretStore:
    """The Secret ``namespace/name`` with ``ca.crt`` (newest first) and ``ca.key``."""

    def __init__(
        self, client: ClusterClient, namespace: str, name: str, owner: dict[str, Any] | None = None
    ) -> None:
        """``owner`` is an ownerReference: when that object goes, the Secret goes too."""
        self._client = client
        self._owner = owner
        self._collection = f"/api/v1/namespaces/{segment(namespace)}/secrets"
        self._path = f"{self._collection}/{segment(name)}"
        self._name = name

    def load(self) -> tuple[KeyPair | None, Any]:
        """The stored pair and the Secret itself as the token (``None`` when there is none)."""
        secret = self._client.get(self._path)
        if secret is None:
            return None, None
        data = secret.get("data") or {}
        try:
            pair = KeyPair(*(base64.b64decode(data[key], validate=True) for key in (_BUNDLE, _KEY)))
        except (KeyError, TypeError, ValueError, binascii.Error):
            return None, secret  # an empty Secret made by hand or by a chart: fill it
        return pair, secret

    def save(self, pair: KeyPair, token: Any) -> None:
        """Create or replace the Secret; ``ConflictError`` where someone else was faster."""
        data = {
            _BUNDLE: base64.b64encode(pair.certificate).decode("ascii"),
            _KEY: base64.b64encode(pair.key).decode("ascii"),
        }
        try:
            if token is None:
                self._client.create(self._collection, self._fresh(data))
            else:
                self._client.replace(self._path, {**token, "data": data})
        except ConflictError as error:
            raise authority.ConflictError from error

    def _fresh(self, data: dict[str, str]) -> dict[str, Any]:
        owners = {"ownerReferences": [self._owner]} if self._owner else {}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": self._name,
                "labels": {"app.kubernetes.io/name": "karb-guard"},
                **owners,
            },
            "type": "Opaque",
            "data": data,
        }
