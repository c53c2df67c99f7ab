# METADATA
# title: An autoscaler's target is in another unit than its metric
# description: |-
#   A target that is off by a factor of 100 or 1000 is accepted by everybody and scales to the
#   maximum at once, or never. Seen are: a utilisation of 1 (a fraction is meant, a percentage asked
#   for), a target below one for what counts requests (`500m` is half a request), percentages for
#   what vLLM reports between 0 and 1 (cache usage), fractions for what DCGM reports between 0 and
#   100, and milliseconds for a metric in seconds.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
#   description: Horizontal Pod Autoscaling
# custom:
#   id: KARB-AS-008
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   params:
#     fractions:
#       type: array
#       items: {type: string, minLength: 1}
#       description: Parts of names of metrics between 0 and 1.
#       default: [cache_usage_perc, usage_ratio]
#     percentages:
#       type: array
#       items: {type: string, minLength: 1}
#       description: Parts of names of metrics between 0 and 100.
#       default: [dcgm_fi_dev_gpu_util, dcgm_fi_dev_mem_copy_util, nvidia_gpu_duty_cycle]
#     longest:
#       type: number
#       exclusiveMinimum: 0
#       description: Seconds above which the target of a metric in seconds is taken for milliseconds.
#       default: 100
#   checks:
#     percent: 'a utilisation of {target} % is asked for; the field is a percentage'
#     part: '{signal} counts whole requests, and the target is {target}'
#     fraction: '{signal} is between 0 and 1, and the target is {target}'
#     hundred: '{signal} is between 0 and 100, and the target is {target}'
#     seconds: '{signal} is in seconds, and the target is {target}'
#   remediation: |-
#     Write the target in the metric's own unit: 80 for 80 % of a request, "0.8" for 80 % of vLLM's cache,
#     "8" for eight waiting requests, "2" for two seconds.
package karb.autoscaling.as_unit

import data.karb.lib.scaling

params := input.params["as-unit"]

violations contains {"check": "percent", "path": array.concat(metric.path, [metric.source, "target", "averageUtilization"]), "detail": {"target": metric.target.averageUtilization}} if {
	some metric in input.autoscaler.metrics
	input.autoscaler.written
	metric.target.averageUtilization == 1
}

# Amounts in units of the metric; queries may scale it, so those that compute are left alone.
goals := [goal |
	some i, metric in input.autoscaler.metrics
	amount := [metric.target[field] | some field in ["averageValue", "value"]; is_number(metric.target[field])][0]
	goal := {"signal": scaling.signals[i], "value": amount / 1000, "computed": false}
]

asked := [goal |
	some i, trigger in input.autoscaler.triggers
	written := trigger.metadata.threshold
	regex.match(`^[0-9]+(\.[0-9]+)?$`, written)
	signal := scaling.signals[count(input.autoscaler.metrics) + i]
	goal := {"signal": signal, "value": to_number(written), "computed": regex.match(`[*/] *[0-9(]|[0-9)] *[*/]`, signal.text)}
]

plain := [goal | some goal in array.concat(goals, asked); not goal.computed; goal.value > 0]

found(check, goal) := {"check": check, "path": goal.signal.path, "detail": {"signal": goal.signal.shown, "target": goal.value}}

violations contains found("part", goal) if {
	some goal in plain
	scaling.total(goal.signal)
	goal.value < 1
}

violations contains found("fraction", goal) if {
	some goal in plain
	named(goal, params.fractions)
	goal.value > 1
}

violations contains found("hundred", goal) if {
	some goal in plain
	named(goal, params.percentages)
	goal.value <= 1
}

violations contains found("seconds", goal) if {
	some goal in plain
	regex.match(`(quantile.*_seconds_bucket|_seconds$)`, goal.signal.text)
	goal.value > params.longest
}

named(goal, words) if {
	some word in words
	contains(goal.signal.text, word)
}
