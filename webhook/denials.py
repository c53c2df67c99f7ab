"""Tells the controller whose Pods were denied: its author sees no answer of the webhook.

``kubectl apply`` of a Deployment succeeds while its Pods are denied; only the ReplicaSet knows.
"""

from __future__ import annotations

from karb_guard.decisions.admission import Decision
from karb_guard.decisions.request import AdmissionRequest
from webhook.events import Poster, controller_reference

REASON = "PodDenied"


def tell(poster: Poster, request: AdmissionRequest, decision: Decision) -> None:
    """Post an Event about the controller of a denied Pod; nothing at a dry run."""
    if decision.allowed or request.dry_run:
        return
    if request.group_kind != "/Pod" or request.operation != "CREATE":
        return
    metadata = (request.obj or {}).get("metadata")
    if not isinstance(metadata, dict):
        return
    owner = controller_reference(metadata, request.namespace)
    if owner is None or (owner.api_version, owner.kind) == ("v1", "Node"):
        return
    poster.post(owner, REASON, note(decision), owners=True)


def note(decision: Decision) -> str:
    """What was found, without the Pod's generated name: repetitions have to look alike."""
    if not decision.reasons:
        return "karb-guard denied a Pod"
    return f"karb-guard denied a Pod: {'; '.join(decision.reasons)}"
