# METADATA
# title: Nobody has to look at a role or binding again
# description: |-
#   Rights are granted for a reason, and the reason ends before they do: a migration, an incident,
#   a team that was. Nothing in Kubernetes expires a Role or a binding. An annotation with the day
#   of the next review makes the grant a decision that somebody renews, and its passing visible.
#   The blueprint asks for explicit scoping and a review cadence.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   description: RBAC good practices
# custom:
#   id: KARB-RBAC-009
#   severity: info
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [rbac.authorization.k8s.io/Role, rbac.authorization.k8s.io/ClusterRole, rbac.authorization.k8s.io/RoleBinding, rbac.authorization.k8s.io/ClusterRoleBinding]
#   params:
#     exempt:
#       type: array
#       items: {type: string}
#       description: Names of roles and bindings that are not judged (globs).
#       default: ["system:*"]
#   checks:
#     missing: 'no review of it is planned: set annotation {key} to the day of the next review'
#     invalid: '{key} is no date: {raw}; write it as YYYY-MM-DD'
#     past: 'the review was due on {date}'
#   remediation: |-
#     Annotate the object with the last day before it is looked at again, three to twelve months ahead:
#
#       metadata:
#         annotations:
#           karb.dev/review-by: "2027-03-31"
#
#     When it is due, look who uses the role (the audit log tells), narrow it, and set the next date.
package karb.rbac.rbac_review

import data.karb.lib.rbac

params := input.params["rbac-review"]

review := input.rbac.reviewBy

violations contains object.union(v, {"path": review.path}) if {
	not rbac.exempt(params)
	some v in overdue
}

overdue contains {"check": "missing", "detail": {"key": review.key}} if review.raw == null

overdue contains {"check": "invalid", "detail": {"key": review.key, "raw": review.raw}} if {
	review.raw != null
	review.date == null
}

# ISO dates compare as texts do. The day itself is still in time.
overdue contains {"check": "past", "detail": {"date": review.date}} if {
	is_string(review.date)
	review.date < input.today
}
