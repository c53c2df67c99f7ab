# METADATA
# title: A waiver has expired
# description: |-
#   An exception that outlives its date is how a temporary hole becomes permanent. After its last
#   day a waiver stops counting at every door at once (webhook, audit, lint), and what it covered
#   is reported again; this finding says why that happens now, with nothing else changed.
# custom:
#   id: KARB-WAIVER-002
#   severity: error
#   since: 0.1.0
#   match: [pods]
#   evaluator: python
#   checks:
#     expired: '{waiver} expired on {until} and waives nothing any more'
#   remediation: |-
#     Mend what the waiver covered and remove the annotation, or have the exception reviewed again
#     and give it a new date:
#
#       metadata:
#         annotations:
#           waive.karb.dev/gpu-pin: "one GPU model until the second pool opens until=2027-03-31"
package karb.waivers.waiver_expired
