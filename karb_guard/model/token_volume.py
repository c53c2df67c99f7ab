"""The volume that the API server mounts for a service account's token, in written JSON.

Its name is the one in a pod's spec that differs from replica to replica: ``kube-api-access-`` and
five random characters (``k8s.io/kubernetes/plugin/pkg/admission/serviceaccount``).
"""

from __future__ import annotations

_FIELD = b'"name":"'
_PREFIX = b"kube-api-access-"
_TOKEN = _FIELD + _PREFIX
_LENGTH = len(_PREFIX) + 5
MARK = b"\0token"
"""Written JSON holds no such byte, so nobody can write the mark himself."""


def marked(text: bytes) -> tuple[bytes, bytes]:
    """``text`` with a mark in place of the name, and the name.

    Where the name is more than a name (part of another text), or there is none: ``text`` itself,
    and nothing.
    """
    begin = text.find(_TOKEN)
    if begin >= 0:
        begin += len(_FIELD)
        token = text[begin : begin + _LENGTH]
        named = _FIELD + token + b'"'
        if token[len(_PREFIX) :].isalnum() and text.count(token) == text.count(named):
            return text.replace(token, MARK), token
    return text, b""
