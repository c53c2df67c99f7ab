# METADATA
# title: A field has the wrong type or an unreadable value
# description: |-
#   `privileged: "true"`, a memory limit of `16GB`, a toleration list written as a map: the API
#   server refuses such an object, or, inside a custom resource with a loose schema, keeps it until
#   an operator stumbles over it at rollout. A checker that reads on regardless is worse: it takes
#   the value for absent and calls an unsafe pod safe. The field is therefore reported by itself,
#   and what depends on it is judged as if it were not set. Raised before any policy is evaluated.
# related_resources:
# - ref: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
#   description: Fields of a Pod
# - ref: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
#   description: Quantity
# custom:
#   id: KARB-MAN-001
#   severity: error
#   since: 0.1.0
#   match: [pods]
#   evaluator: python
#   checks:
#     type: '{field} must be {expected}, not {got}'
#   remediation: |-
#     Write the value in the type that the field has. Strings that look like numbers or booleans
#     need quotes, numbers and booleans must have none, quantities take Kubernetes' suffixes:
#
#       env:
#       - name: PORT
#         value: "8080"
#       securityContext:
#         privileged: false
#       resources:
#         limits:
#           memory: 16Gi
package karb.manifest.malformed
