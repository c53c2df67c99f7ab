# METADATA
# title: A stated objective makes no sense
# description: |-
#   An objective that no tool can read protects nothing, and does so silently: `250` without a
#   unit is 250 seconds to one exporter and nothing to the next, and the alert never fires. An
#   error rate of `99.9%` is a success rate in the wrong key. A critical service whose
#   cold-start budget is shorter than its model takes to load can't scale out in time, ever.
#   Checked wherever such a key is written, as label or annotation, so that it means what it says.
# related_resources:
# - ref: https://sre.google/sre-book/service-level-objectives/
#   description: Service level objectives
# - ref: https://pkg.go.dev/time#ParseDuration
#   description: The format of durations
# custom:
#   id: KARB-SLO-002
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   identity: value
#   params:
#     scope:
#       type: string
#       enum: [gpu, all]
#       description: Whose objectives are read - those of pods that use a GPU, or of all pods.
#       default: all
#     tiers:
#       type: array
#       items: {type: string, minLength: 1}
#       description: The tiers that exist.
#       default: [critical, standard, best-effort, batch]
#     criticalTiers:
#       type: array
#       items: {type: string, minLength: 1}
#       description: Tiers that must be able to scale out within their cold-start budget.
#       default: [critical]
#   checks:
#     unparsable: '{key}: "{value}" can not be read: {problem}'
#     range: '{key}: "{value}" is out of range: {range}'
#     swapped: '{key}: "{value}" lets half of all requests or more fail; is this the success rate?'
#     tier: '{key}: "{value}" is not a tier; tiers are {tiers}'
#     contradiction: '{key}: the cold-start budget "{value}" is below the {modelLoad} that the model takes to load, but tier {tier} must scale out in time'
#   remediation: |-
#     Durations have a unit (`250ms`, `1.5s`, `3m`), error rates are ratios or percentages of failed
#     requests (`0.001`, `0.1%`). A label can't hold `%`: use an annotation, or the ratio.
#     For a contradiction: raise the cold-start budget above the model's load time, load faster
#     (weights on local disk or in the image, a smaller dtype), keep a warm replica and say so by a
#     lower tier for the scale-out, or correct the load time.
package karb.labels.slo_format

import data.karb.lib.gpu

params := input.params["slo-format"]

violations contains v if {
	some pod in input.pods
	in_scope(pod)
	some problem in problems(pod.slo)
	fact := pod.slo[problem.objective]
	v := {
		"check": problem.check,
		"path": fact.path,
		"detail": object.union({"key": fact.key, "value": fact.raw}, problem.detail),
	}
}

in_scope(_) if params.scope == "all"

in_scope(pod) if gpu.user(pod)

problems(slo) := (unreadable(slo) | out_of_range(slo)) | (bad_tier(slo) | contradictory(slo))

unreadable(slo) := {problem |
	some objective, fact in slo
	is_string(fact.error)
	problem := {"check": "unparsable", "objective": objective, "detail": {"problem": fact.error}}
}

# Defined for the numbers only.
number(slo, objective) := slo[objective].value if is_number(slo[objective].value)

out_of_range(slo) := {problem |
	some objective in ["p95-latency", "cold-start"]
	number(slo, objective) <= 0
	problem := {"check": "range", "objective": objective, "detail": {"range": "it must be more than 0"}}
} | {problem | some problem in bad_rate(number(slo, "error-rate"))}

bad_rate(rate) := {{"check": "range", "objective": "error-rate", "detail": {"range": "a ratio from 0 to 1"}}} if {
	outside(rate)
} else := {{"check": "swapped", "objective": "error-rate", "detail": {}}} if {
	rate >= 0.5
}

outside(rate) if rate < 0

outside(rate) if rate > 1

bad_tier(slo) := {problem |
	tier := slo.tier.value
	is_string(tier)
	not tier in params.tiers
	problem := {"check": "tier", "objective": "tier", "detail": {"tiers": params.tiers}}
}

contradictory(slo) := {problem |
	slo.tier.value in params.criticalTiers
	number(slo, "cold-start") < number(slo, "model-load")
	problem := {
		"check": "contradiction",
		"objective": "cold-start",
		"detail": {"modelLoad": slo["model-load"].raw, "tier": slo.tier.value},
	}
}
