# METADATA
# title: A trigger of a ScaledObject lacks what its scaler needs
# description: |-
#   KEDA's webhook looks at none of this: a trigger of a type that KEDA doesn't have, without a
#   field that its scaler requires or with a threshold that is no number above zero fails when KEDA
#   first asks, in an event of the ScaledObject. (KEDA reads JSON: `1e3` is a number, and neither
#   `.5` nor `+5` nor `08` is.) A service that sleeps at 0 and whose activation threshold is at or
#   above the threshold sleeps between them although work waits. A PromQL query without an
#   aggregation breaks as soon as there are two replicas, because KEDA takes exactly one series. A
#   cpu trigger needs `metricType`. Certificates that are not checked let anybody on the path decide
#   how many GPUs run. Required fields are those of KEDA's own schema of its scalers; what a
#   TriggerAuthentication may hold is taken for given where one is named.
# related_resources:
# - ref: https://keda.sh/docs/latest/scalers/
#   description: KEDA, scalers
# custom:
#   id: KARB-AS-012
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - keda.sh/ScaledObject
#   checks:
#     none: 'it has no triggers, so nothing scales'
#     type: 'KEDA has no scaler of type {type}'
#     field: 'trigger {type} needs the field {field}'
#     threshold: '{field}: {value} is no number above zero'
#     activation: '{key} {activation} is not below {field} {threshold}: between them nothing wakes it'
#     aggregation: 'the query aggregates nothing, so it fails once two pods answer: {query}'
#     metrictype: 'trigger {type} needs metricType: Utilization or AverageValue'
#     tls: 'the certificate of {address} is not checked (unsafeSsl)'
#   remediation: |-
#     For Prometheus:
#
#       triggers:
#       - type: prometheus
#         metadata:
#           serverAddress: https://prometheus.monitoring:9090
#           query: sum(vllm:num_requests_waiting{model_name="llm"})
#           threshold: "8"
#           activationThreshold: "0"
package karb.autoscaling.as_trigger

import data.karb.lib.keda_scalers

violations contains {"check": "none", "path": ["spec", "triggers"], "detail": {}} if {
	input.autoscaler.kind == "ScaledObject"
	count(input.autoscaler.triggers) == 0
}

violations contains {"check": "type", "path": array.concat(trigger.path, ["type"]), "detail": {"type": trigger.type}} if {
	some trigger in input.autoscaler.triggers
	is_string(trigger.type)
	not keda_scalers.required[trigger.type]
}

violations contains {"check": "field", "path": array.concat(trigger.path, ["metadata"]), "detail": {"type": trigger.type, "field": field}} if {
	some trigger in input.autoscaler.triggers
	some field, elsewhere in keda_scalers.required[trigger.type]
	not object.get(trigger.metadata, field, false)
	not from_environment(trigger, field, elsewhere)
	not from_authentication(trigger, elsewhere)
}

from_environment(trigger, field, elsewhere) if {
	"env" in elsewhere
	trigger.metadata[concat("", [field, "FromEnv"])]
}

from_authentication(trigger, elsewhere) if {
	"auth" in elsewhere
	is_string(trigger.auth)
}

violations contains {"check": "threshold", "path": array.concat(goal.trigger.path, ["metadata", goal.field]), "detail": {"field": goal.field, "value": goal.value}} if {
	some goal in goals
	not right(goal)
}

# Every target that is written, as KEDA's schema names it: an external scaler has fields of its own.
goals := [{"trigger": trigger, "field": field, "value": value, "activation": activation} |
	some trigger in input.autoscaler.triggers
	some field, activation in keda_scalers.targets[trigger.type]
	value := trigger.metadata[field]
]

# A `{{ }}` is filled in later.
right(goal) if contains(goal.value, "{{")

right(goal) if goal.trigger.numbers[goal.field] > 0

# A formula takes the readings alone, so that the targets of its triggers mean nothing.
right(goal) if {
	composed
	is_number(goal.trigger.numbers[goal.field])
}

composed if is_string(input.autoscaler.modifiers.formula)

violations contains {"check": "activation", "path": array.concat(goal.trigger.path, ["metadata", goal.activation]), "detail": {"key": goal.activation, "activation": goal.trigger.metadata[goal.activation], "field": goal.field, "threshold": goal.value}} if {
	sleeps
	not composed
	some goal in goals
	goal.trigger.numbers[goal.activation] >= goal.trigger.numbers[goal.field]
}

sleeps if input.autoscaler.min == 0

sleeps if input.autoscaler.idle == 0

violations contains {"check": "aggregation", "path": array.concat(trigger.path, ["metadata", "query"]), "detail": {"query": trigger.metadata.query}} if {
	some trigger in input.autoscaler.triggers
	trigger.type == "prometheus"
	query := trigger.metadata.query
	not regex.match(`(?i)\b(sum|avg|min|max|count|quantile|histogram_quantile|scalar|vector|topk|bottomk|limitk|limit_ratio|group|stddev|stdvar|count_values|absent|absent_over_time)\s*(by|without|\()`, query)

	# A recording rule (level:metric:operations) may well be of one series.
	not regex.match(`^[a-zA-Z0-9_]*:[a-zA-Z0-9_]+:[a-zA-Z0-9_]*$`, query)
	not contains(query, "{{")
}

violations contains {"check": "metrictype", "path": trigger.path, "detail": {"type": trigger.type}} if {
	some trigger in input.autoscaler.triggers
	trigger.type in {"cpu", "memory"}
	trigger.metricType == null
	not trigger.metadata.type
}

violations contains {"check": "tls", "path": array.concat(trigger.path, ["metadata", "unsafeSsl"]), "detail": {"address": object.get(trigger.metadata, "serverAddress", trigger.type)}} if {
	some trigger in input.autoscaler.triggers
	lower(trigger.metadata.unsafeSsl) in {"true", "1", "t"}
}
