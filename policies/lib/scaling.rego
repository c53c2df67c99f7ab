# What an HPA or ScaledObject (`input.autoscaler`) goes by, and what it scales.
package karb.lib.scaling

target := input.context.scaletarget

called := concat(" ", [target.kind, target.name])

# Defined where the target may use GPUs: `{}`, or `{"unknown": why}`.
gpu_target := {} if {
	some pod in target.pods
	pod.gpu == true
} else := {"unknown": why} if {
	why := [pod.why | some pod in target.pods; pod.gpu == null][0]
} else := {"unknown": "what this autoscaler scales is not visible here"} if {
	not found
}

found if target.found

# Every signal: a metric of an HPA or a trigger of a ScaledObject, in one shape. `text` is what it
# is called or asks for, in lower case; `average` whether the answer is divided by the replicas;
# `aggregate` how a query makes one answer of several pods'.
signals := array.concat(
	[signal |
		some metric in input.autoscaler.metrics
		signal := {
			"path": metric.path,
			"of": metric.type,
			"text": lower(object.get(metric, "name", "")),
			"shown": object.get(metric, "name", ""),
			"pods": metric.type in {"Resource", "ContainerResource", "Pods"},
			"average": averaged(metric),
			"aggregate": null,
		}
	],
	[signal |
		some trigger in input.autoscaler.triggers
		signal := {
			"path": trigger.path,
			"of": trigger.type,
			"text": lower(asked(trigger)),
			"shown": asked(trigger),
			"pods": trigger.type in {"cpu", "memory"},
			"average": divided(trigger),
			"aggregate": object.get(trigger, "aggregate", null),
		}
	],
)

averaged(metric) if {
	is_number(metric.target.averageValue)
} else := metric.target.type == "AverageValue"

# KEDA's default is AverageValue.
divided(trigger) := trigger.metricType != "Value"

asked(trigger) := concat(" ", [trigger.type]) if {
	trigger.type in {"cpu", "memory"}
} else := concat(" ", [value |
	some key in ["query", "metricName", "metric", "metricId", "nrql"]
	value := trigger.metadata[key]
])

# Signals that say how long something takes, or what part of something is used: no total.
ratio(signal) if {
	some word in ["quantile", "_seconds_bucket", "latency", "ratio", "perc", "utilization", "gpu_util", "usage"]
	contains(signal.text, word)
}

# Signals that are a mean over the pods already.
mean(signal) if signal.aggregate in {"avg", "quantile"}

# Signals that count what waits, for all pods together.
total(signal) if {
	not signal.aggregate in {"avg", "quantile", "max", "min", "ratio"}
	some word in ["waiting", "queue_size", "queue_length", "queue_depth", "pending", "backlog", "inflight", "in_flight", "num_requests"]
	contains(signal.text, word)
	not ratio(signal)
}
