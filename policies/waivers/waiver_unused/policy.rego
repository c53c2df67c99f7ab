# METADATA
# title: A waiver covers nothing
# description: |-
#   The invariant that the annotation waives finds no fault with this object (any more). Left in
#   place, it would silently cover the next fault of that kind that someone brings in. An invariant
#   that could not decide here leaves its waiver alone.
# custom:
#   id: KARB-WAIVER-003
#   severity: warning
#   since: 0.1.0
#   match: [pods]
#   evaluator: python
#   checks:
#     unused: '{waiver} covers nothing: {invariant} has no finding {where}'
#   remediation: |-
#     Remove the annotation. If it names one container, check that the container still exists under
#     that name.
package karb.waivers.waiver_unused
