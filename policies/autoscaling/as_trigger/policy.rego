# METADATA
# title: A trigger of a ScaledObject lacks what its scaler needs
# description: |-
#   KEDA's webhook looks at none of this: a trigger of a type that KEDA doesn't have, without a
#   field that its scaler requires, with a threshold that is no number above zero, or with an
#   activation threshold at or above the threshold (between them the service sleeps although work
#   waits) fails when KEDA first asks, in an event of the ScaledObject. A PromQL query without an
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
#     activation: 'activationThreshold {activation} is not below threshold {threshold}: between them nothing wakes it'
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

violations contains {"check": "threshold", "path": array.concat(trigger.path, ["metadata", field]), "detail": {"field": field, "value": value}} if {
	some trigger in input.autoscaler.triggers
	some field in ["threshold", "value", "targetValue", "queryValue", "targetQueryValue", "listLength", "queueLength"]
	value := trigger.metadata[field]
	trigger.type != "cron"
	not positive(value)
}

# A `{{ }}` is filled in later.
positive(value) if contains(value, "{")

positive(value) if {
	regex.match(`^[0-9]+(\.[0-9]+)?(e[0-9]+|[kKmMGT]i?)?$`, value)
	not regex.match(`^[0.]+(e[0-9]+|[kKmMGT]i?)?$`, value)
}

violations contains {"check": "activation", "path": array.concat(trigger.path, ["metadata", "activationThreshold"]), "detail": {"activation": trigger.metadata.activationThreshold, "threshold": trigger.metadata.threshold}} if {
	some trigger in input.autoscaler.triggers
	number(trigger.metadata.activationThreshold) >= number(trigger.metadata.threshold)
}

number(text) := to_number(text) if regex.match(`^[0-9]+(\.[0-9]+)?$`, text)

violations contains {"check": "aggregation", "path": array.concat(trigger.path, ["metadata", "query"]), "detail": {"query": trigger.metadata.query}} if {
	some trigger in input.autoscaler.triggers
	trigger.type == "prometheus"
	query := trigger.metadata.query
	not regex.match(`(?i)\b(sum|avg|min|max|count|quantile|histogram_quantile|scalar|vector|topk|bottomk|group|stddev|absent)\s*(by|without|\()`, query)

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
