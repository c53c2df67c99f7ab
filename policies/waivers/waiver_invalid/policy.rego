# METADATA
# title: A waiver annotation can't be read
# description: |-
#   A waiver says which invariant is set aside, why, and until when. One that lacks a reason or a
#   date, or names an invariant that doesn't exist, would either hide a finding for ever or, more
#   often, hide nothing while its author believes that it does: the mistake then shows in the
#   middle of a rollout. Such an annotation waives nothing and is reported.
# custom:
#   id: KARB-WAIVER-001
#   severity: error
#   since: 0.1.0
#   match: [pods]
#   evaluator: python
#   checks:
#     invalid: '{waiver} waives nothing: {problem}'
#   remediation: |-
#     Name the invariant (and, after a dot, one container if only that is meant), give the reason
#     and the last day on which the waiver counts:
#
#       metadata:
#         annotations:
#           waive.karb.dev/res-mem: "the profiler needs all of the node until=2027-03-31"
#           waive.karb.dev/res-mem.profiler: "only this container until=2027-03-31"
package karb.waivers.waiver_invalid
