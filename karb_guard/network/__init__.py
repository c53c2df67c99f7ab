"""What NetworkPolicies mean: which connections they leave open, and for which pods.

Pure and by the API's own semantics (k8s.io/api/networking/v1, "NetworkPolicySpec"): policies only
ever allow, a pod is isolated in a direction as soon as one policy of that type selects it, and
what any of those allows is open. Where an answer depends on something that is not visible (a
label that another party sets, the address of a pod) it is ``None``: unknown.
"""

from karb_guard.network.describe import describe_policy
from karb_guard.network.endpoints import Endpoint
from karb_guard.network.isolation import isolation_of
from karb_guard.network.policies import Policies
from karb_guard.network.rules import Policy, compile_policy
from karb_guard.network.selectors import InvalidPolicyError, Labels

__all__ = [
    "Endpoint",
    "InvalidPolicyError",
    "Labels",
    "Policies",
    "Policy",
    "compile_policy",
    "describe_policy",
    "isolation_of",
]
