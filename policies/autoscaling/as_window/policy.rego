# METADATA
# title: An autoscaler is quicker to remove replicas than they are to load, or too slow
# description: |-
#   A GPU replica takes minutes to load its model. A scale-down window or a cooldown below that
#   removes replicas that have hardly begun to serve, and the next burst waits for them again; a
#   Value metric even deletes those that are still loading. A polling interval above a quarter of
#   the cold-start budget has used up much of it before anything happens. And a scale-up that is
#   disabled, or adds so little that the maximum is out of reach, leaves the burst to the few that
#   run. Times to load are what the pods' objectives say (`karb.dev/slo-model-load`, else the cold-
#   start budget).
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
#   description: Horizontal Pod Autoscaling
# custom:
#   id: KARB-AS-011
#   severity: warning
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   context: [scaletarget]
#   params:
#     reach:
#       type: integer
#       minimum: 1
#       description: Minutes within which the maximum must be in reach from the minimum.
#       default: 60
#   checks:
#     down: 'replicas are removed after {window} s, and take {load} to load'
#     value: '{signal} is a Value metric with a scale-down window of {window} s: replicas that still load ({load}) are deleted'
#     cooldown: 'it goes to zero after {window} s without load, and takes {load} to come back'
#     polling: 'it looks every {window} s, more than a quarter of the cold-start budget of {load}'
#     disabled: 'scale-up is disabled'
#     slow: 'from {min} to {max} replicas it takes {minutes} minutes by its scale-up policies'
#   remediation: |-
#     Give replicas time, in an HPA or in `advanced.horizontalPodAutoscalerConfig` of a ScaledObject:
#
#       behavior:
#         scaleDown:
#           stabilizationWindowSeconds: 600
#           policies:
#           - {type: Pods, value: 1, periodSeconds: 60}
#         scaleUp:
#           policies:
#           - {type: Pods, value: 4, periodSeconds: 15}
package karb.autoscaling.as_window

import data.karb.lib.scaling

params := input.params["as-window"]

entry := input.autoscaler

# Milliseconds, as the facts give them, with what the author wrote.
# Of several templates the slowest counts.
load := [fact | some fact in loads; fact.value == max([each.value | some each in loads])][0]

loads := [fact |
	some pod in scaling.target.pods
	some key in ["model-load", "cold-start"]
	fact := pod.slo[key]
	is_number(fact.value)
	not earlier(pod, key)
]

earlier(pod, key) if {
	key == "cold-start"
	is_number(pod.slo["model-load"].value)
}

budget := [fact | some fact in budgets; fact.value == min([each.value | some each in budgets])][0]

budgets := [fact |
	some pod in scaling.target.pods
	fact := pod.slo["cold-start"]
	is_number(fact.value)
]

# What an HPA without the field waits: the controller's flag, 300 s by default.
window := entry.behavior.scaleDown.stabilizationWindowSeconds if {
	is_number(entry.behavior.scaleDown.stabilizationWindowSeconds)
} else := 300

# Replicas are never removed, however short the window is.
stays if entry.behavior.scaleDown.selectPolicy == "Disabled"

place := ["spec", "behavior"] if {
	entry.kind == "HorizontalPodAutoscaler"
} else := ["spec", "advanced", "horizontalPodAutoscalerConfig", "behavior"]

violations contains {"check": "down", "path": array.concat(place, ["scaleDown", "stabilizationWindowSeconds"]), "detail": {"window": window, "load": load.raw}} if {
	window * 1000 < load.value
	entry.max > 1
	not stays
}

violations contains {"check": "value", "path": signal.path, "detail": {"signal": signal.shown, "window": window, "load": load.raw}} if {
	window * 1000 < load.value
	not stays
	some signal in scaling.signals
	not signal.pods
	not signal.average
}

violations contains {"check": "cooldown", "path": ["spec", "cooldownPeriod"], "detail": {"window": entry.cooldownPeriod, "load": load.raw}} if {
	0 in {entry.min, entry.idle}
	entry.cooldownPeriod * 1000 < load.value
}

violations contains {"check": "polling", "path": ["spec", "pollingInterval"], "detail": {"window": entry.pollingInterval, "load": budget.raw}} if {
	0 in {entry.min, entry.idle}
	entry.pollingInterval * 4000 > budget.value
}

up := entry.behavior.scaleUp

violations contains {"check": "disabled", "path": array.concat(place, ["scaleUp", "selectPolicy"]), "detail": {}} if {
	up.selectPolicy == "Disabled"
	scaling.gpu_target == {}
}

violations contains {"check": "slow", "path": array.concat(place, ["scaleUp", "policies"]), "detail": {"min": entry.min, "max": entry.max, "minutes": ceil(minutes)}} if {
	scaling.gpu_target == {}
	count(rates) == count(up.policies)
	minutes := (entry.max - max([entry.min, 1])) / rate
	minutes > params.reach
}

# Replicas a minute, of each policy that adds a number; one that adds a percentage soon adds enough.
rates := [each |
	some policy in up.policies
	policy.type == "Pods"
	policy.value > 0
	policy.periodSeconds > 0
	each := (policy.value * 60) / policy.periodSeconds
]

rate := min(rates) if {
	up.selectPolicy == "Min"
} else := max(rates) if {
	up.selectPolicy != "Disabled"
}

# Without the pods nobody knows how long they load; only what asks for little is worth saying so.
violations contains {"check": "down", "path": ["spec"], "detail": {"window": window, "load": "?"}, "unknown": "how long its pods load is not visible here"} if {
	suspicious
	not scaling.target.found
}

suspicious if {
	window < 300
	not stays
}

suspicious if {
	0 in {entry.min, entry.idle}
	is_number(entry.cooldownPeriod)
}

suspicious if count(object.get(up, "policies", [])) > 0
