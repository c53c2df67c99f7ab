package karb.availability.av_scaler

import data.karb.lib.pods
import data.karb.lib.serving

# What of an autoscaler's metrics these pods can't give.
unmeasured(scaler, pod) := (foreign(scaler) | misnamed(scaler, pod)) | unrequested(scaler, pod)

foreign(scaler) := {{"check": "resource", "detail": {"resource": metric.name}} |
	some metric in scaler.metrics
	metric.type in {"Resource", "ContainerResource"}
	not metric.name in measured
}

misnamed(scaler, pod) := {{"check": "container", "detail": {"container": use.container}} |
	not input.workload.operator # which adds containers of its own
	some use in uses(scaler)
	is_string(use.container)
	not use.container in {container.name | some container in serving.running(pod)}
}

# Utilisation is a share of the request: all containers of a pod need one (or the pod as a whole),
# or the container that the metric is about.
unrequested(scaler, pod) := {problem |
	some use in uses(scaler)
	use.utilization
	not use.resource in scaler.defaulted
	not pods.positive(pod.podResources, "requests", use.resource)
	some container in serving.running(pod)
	use.container in {null, container.name}
	not pods.positive(container, "requests", use.resource)
	problem := {
		"check": "request",
		"detail": {"resource": use.resource, "container": container.name},
		"path": array.concat(container.path, ["resources", "requests", use.resource]),
		"doubt": pods.resource_doubt(container),
	}
}

# The uses of cpu and memory, by an HPA's metrics or by KEDA's triggers.
uses(scaler) := {use |
	some metric in scaler.metrics
	metric.name in measured
	use := {
		"resource": metric.name,
		"container": metric.container,
		"utilization": is_number(metric.target.averageUtilization),
	}
} | {use |
	some trigger in scaler.triggers
	trigger.type in measured
	use := {
		"resource": trigger.type,
		"container": object.get(trigger.metadata, "containerName", null),
		"utilization": not_absolute(trigger),
	}
}

not_absolute(trigger) := false if {
	"AverageValue" in {trigger.metricType, object.get(trigger.metadata, "type", null)}
} else := true
