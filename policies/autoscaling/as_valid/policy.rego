# METADATA
# title: An autoscaler is refused when it is applied
# description: |-
#   The API server refuses an HPA with a field that is missing, out of its bounds or beside one that
#   it excludes: a minimum above the maximum, a window of more than an hour, a policy of 0 pods, a
#   Pods metric with `value`. The behavior of a ScaledObject is that of the HPA which KEDA makes, and
#   is refused when KEDA makes it. KEDA's webhook refuses a ScaledObject whose idle count is not
#   below its minimum (an unset minimum is 0, and a minimum that is set counts as 1 at least). That
#   webhook is not installed everywhere and is passed by when it is away: then the controller
#   refuses, in an event that nobody reads.
# related_resources:
# - ref: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/
#   description: Fields of a HorizontalPodAutoscaler
# - ref: https://keda.sh/docs/latest/concepts/admission-webhooks/
#   description: KEDA, admission webhooks
# custom:
#   id: KARB-AS-021
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   checks:
#     inverted: 'the minimum {min} is above the maximum {max}'
#     idle: 'idleReplicaCount {idle} is not below the minimum {min}'
#     required: '{field} is missing; without it the API server refuses the HPA'
#     value: '{field} is {value}; the API server takes {wanted} alone'
#     both: '{field} is not allowed beside {other}'
#   remediation: |-
#     Order the bounds, and give each metric one source with one target:
#
#       spec:
#         minReplicas: 1
#         maxReplicas: 4
#         metrics:
#         - type: Pods
#           pods:
#             metric: {name: vllm_num_requests_waiting}
#             target: {type: AverageValue, averageValue: "8"}
#         behavior:
#           scaleDown:
#             stabilizationWindowSeconds: 600
#             policies:
#             - {type: Pods, value: 1, periodSeconds: 60}
package karb.autoscaling.as_valid

entry := input.autoscaler

spec := input.object.spec

hpa if entry.kind == "HorizontalPodAutoscaler"

# Where the API server names the fault, and KEDA.
field := "maxReplicas" if {
	hpa
} else := "minReplicaCount"

violations contains {"check": "inverted", "path": ["spec", field], "detail": {"min": entry.min, "max": entry.max}} if {
	is_number(entry.max)
	entry.min > entry.max
	not wrong_maximum
}

violations contains {"check": "idle", "path": ["spec", "idleReplicaCount"], "detail": {"idle": entry.idle, "min": least}} if {
	is_number(entry.idle)
	entry.idle >= least
}

# CheckReplicaCountBoundsAreValid
least := max([1, entry.min]) if {
	is_number(input.object.spec.minReplicaCount)
} else := 0

# The rules of an HPA, from Kubernetes' pkg/apis/autoscaling/validation: `required` has the paths
# of what is missing, `wrong` what has a value that is not taken, `both` what excludes another.
violations contains {"check": "required", "path": path, "detail": {"field": last(path)}} if {
	some path in required
}

violations contains {"check": "value", "path": each.path, "detail": {"field": last(each.path), "value": shown(each.value), "wanted": each.wanted}} if {
	some each in wrong
}

violations contains {"check": "both", "path": path, "detail": {"field": last(path), "other": other}} if {
	some [path, other] in both
}

last(path) := path[count(path) - 1]

shown(value) := "empty" if {
	value == ""
} else := substring(value, 0, 100) if {
	is_string(value)
} else := value if {
	is_number(value)
} else := "of another type"

# Set, and no empty text.
filled(object, key) if {
	object[key] != null
	object[key] != ""
}

# No whole number within bounds. Rego orders every text after, every boolean before the numbers.
outside(value, low, _) if value < low

outside(value, _, high) if value > high

outside(value, _, _) if floor(value) != value

most := 2147483647

wrong_maximum if outside(spec.maxReplicas, 1, most)

required contains ["spec", "maxReplicas"] if {
	hpa
	not filled(spec, "maxReplicas")
}

wrong contains {"path": ["spec", "maxReplicas"], "value": spec.maxReplicas, "wanted": "1 or more"} if {
	hpa
	filled(spec, "maxReplicas")
	wrong_maximum
}

wrong contains {"path": ["spec", "minReplicas"], "value": spec.minReplicas, "wanted": "0 or more"} if {
	hpa
	filled(spec, "minReplicas")
	outside(spec.minReplicas, 0, most)
}

# Of autoscaling/v1.
wrong contains {"path": ["spec", goal], "value": spec[goal], "wanted": "1 or more"} if {
	hpa
	goal := "targetCPUUtilizationPercentage"
	filled(spec, goal)
	outside(spec[goal], 1, most)
}

# References: what is scaled, and what an Object metric describes.
references contains {"path": ["spec", "scaleTargetRef"], "to": object.get(spec, "scaleTargetRef", {})} if {
	hpa
}

required contains array.concat(each.path, [key]) if {
	some each in references
	some key in ["kind", "name"]
	not filled(each.to, key)
}

wrong contains {"path": array.concat(each.path, [key]), "value": each.to[key], "wanted": a_name} if {
	some each in references
	some key in ["kind", "name"]
	filled(each.to, key)
	unsafe(each.to[key])
}

# IsPathSegmentName
a_name := "a name without / and %, neither . nor .."

unsafe(value) if not is_string(value)

unsafe(value) if value in [".", ".."]

unsafe(value) if contains(value, "/")

unsafe(value) if contains(value, "%")

# Only a ReplicationController is scaled without an API group.
required contains ["spec", "scaleTargetRef", "apiVersion"] if {
	hpa
	not filled(object.get(spec, "scaleTargetRef", {}), "apiVersion")
	not in_core
}

wrong contains {"path": ["spec", "scaleTargetRef", "apiVersion"], "value": spec.scaleTargetRef.apiVersion, "wanted": "group/version"} if {
	hpa
	filled(spec.scaleTargetRef, "apiVersion")
	parts := split(spec.scaleTargetRef.apiVersion, "/")
	not grouped(parts)
	count(parts) < 3
	not in_core
}

wrong contains {"path": array.concat(each.path, ["apiVersion"]), "value": each.to.apiVersion, "wanted": "group/version"} if {
	some each in references
	count(split(each.to.apiVersion, "/")) > 2
}

grouped(parts) if {
	count(parts) == 2
	parts[0] != ""
}

in_core if spec.scaleTargetRef.kind == "ReplicationController"
