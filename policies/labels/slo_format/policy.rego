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

# The facts of each pod that is judged.
judged := [pod.slo | some pod in input.pods; in_scope(pod)]

in_scope(_) if params.scope == "all"

in_scope(pod) if gpu.user(pod)

violations contains found("unparsable", fact, {"problem": fact.error}) if {
	some facts in judged
	some fact in facts
	is_string(fact.error)
}

violations contains found("range", fact, {"range": "it must be more than 0"}) if {
	some facts in judged
	some objective in ["p95-latency", "cold-start"]
	fact := facts[objective]
	is_number(fact.value)
	fact.value <= 0
}

violations contains found("range", fact, {"range": "a ratio from 0 to 1"}) if {
	some facts in judged
	fact := facts["error-rate"]
	is_number(fact.value)
	outside(fact.value)
}

violations contains found("swapped", fact, {}) if {
	some facts in judged
	fact := facts["error-rate"]
	is_number(fact.value)
	fact.value >= 0.5
	fact.value <= 1
}

violations contains found("tier", facts.tier, {"tiers": params.tiers}) if {
	some facts in judged
	is_string(facts.tier.value)
	not facts.tier.value in params.tiers
}

violations contains found("contradiction", fact, {"modelLoad": load.raw, "tier": facts.tier.value}) if {
	some facts in judged
	fact := facts["cold-start"]
	load := facts["model-load"]
	is_number(fact.value)
	is_number(load.value)
	fact.value < load.value
	facts.tier.value in params.criticalTiers
}

outside(rate) if rate < 0

outside(rate) if rate > 1

found(check, fact, more) := {
	"check": check,
	"path": fact.path,
	"detail": object.union({"key": fact.key, "value": fact.raw}, more),
}
