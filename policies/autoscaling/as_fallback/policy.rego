# METADATA
# title: A ScaledObject has no answer to a metric that is gone
# description: |-
#   `ignoreNullValues` is true unless it says otherwise: KEDA takes an empty answer of Prometheus for
#   zero. Answers are empty when nobody scrapes the pods any more, when a metric has a new name, when
#   Prometheus came back without its data. The service then shrinks to its minimum, to zero where that
#   is zero, in the middle of its load: an outage of the monitoring becomes one of the service. With
#   `ignoreNullValues: "false"` an empty answer is an error, as it is when Prometheus doesn't answer at
#   all, and `fallback` says how many replicas there are meanwhile; without one nothing is scaled, and
#   what is at zero stays there. A fallback below the minimum or above the maximum says something that can't
#   be, unless its `behavior` takes the replicas that run instead; with `scalingModifiers` its target must be a whole number.
# related_resources:
# - ref: https://keda.sh/docs/latest/reference/scaledobject-spec/
#   description: KEDA, ScaledObject specification
# custom:
#   id: KARB-AS-013
#   severity: warning
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - keda.sh/ScaledObject
#   demanding: true
#   checks:
#     nodata: 'an empty answer of {address} reads as zero load: ignoreNullValues is not "false", and there is no fallback'
#     none: 'there is no fallback for the time when {type} does not answer'
#     low: 'the fallback of {replicas} replicas is below the minimum of {min}'
#     high: 'the fallback of {replicas} replicas is above the maximum of {max}'
#     formula: 'the target {target} of scalingModifiers is no whole number, and fallback needs one'
#   remediation: |-
#     Say what happens without data:
#
#       spec:
#         fallback:
#           failureThreshold: 3
#           replicas: 2
#         triggers:
#         - type: prometheus
#           metadata:
#             ignoreNullValues: "false"
package karb.autoscaling.as_fallback

entry := input.autoscaler

fallback := object.get(entry, ["fallback", "replicas"], null)

queries := {"prometheus", "metrics-api", "datadog", "graphite", "influxdb", "loki", "new-relic", "dynatrace", "elasticsearch", "external"}

violations contains {"check": "nodata", "path": array.concat(trigger.path, ["metadata"]), "detail": {"address": object.get(trigger.metadata, "serverAddress", trigger.type)}} if {
	not is_number(fallback)
	some trigger in entry.triggers
	trigger.type == "prometheus"
	not lower(object.get(trigger.metadata, "ignoreNullValues", "true")) in {"false", "f", "0"}
}

violations contains {"check": "none", "path": ["spec", "fallback"], "detail": {"type": trigger.type}} if {
	not is_number(fallback)
	some trigger in entry.triggers
	trigger.type in queries
	trigger.type != "prometheus"
}

violations contains {"check": "none", "path": ["spec", "fallback"], "detail": {"type": "prometheus"}} if {
	not is_number(fallback)
	some trigger in entry.triggers
	trigger.type == "prometheus"
	lower(object.get(trigger.metadata, "ignoreNullValues", "true")) in {"false", "f", "0"}
}

# The replicas that run are kept where they are more; and where they are fewer.
raised if entry.fallback.behavior in ["currentReplicas", "currentReplicasIfHigher", "scalingModifiers"]

lowered if entry.fallback.behavior in ["currentReplicas", "currentReplicasIfLower", "scalingModifiers"]

violations contains {"check": "low", "path": ["spec", "fallback", "replicas"], "detail": {"replicas": fallback, "min": entry.min}} if {
	is_number(fallback)
	not raised
	fallback < entry.min
}

violations contains {"check": "high", "path": ["spec", "fallback", "replicas"], "detail": {"replicas": fallback, "max": entry.max}} if {
	is_number(fallback)
	not lowered
	fallback > entry.max
}

violations contains {"check": "formula", "path": ["spec", "advanced", "scalingModifiers", "target"], "detail": {"target": entry.modifiers.target}} if {
	is_number(fallback)
	is_string(entry.modifiers.target)
	not regex.match(`^[0-9]+$`, entry.modifiers.target)
}
