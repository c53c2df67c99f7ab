# METADATA
# title: A utilisation has nothing to divide by
# description: |-
#   Utilisation is use divided by request, over all containers of the pod. One container without a
#   request for the resource, often a sidecar, and the HPA reports an error and does not scale. A
#   ContainerResource metric that names a container which the pods don't have does the same. A
#   LimitRange of the namespace that sets requests counts. KEDA's webhook refuses cpu and memory
#   triggers of containers without the request, whatever their metricType.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
#   description: Horizontal Pod Autoscaling
# custom:
#   id: KARB-AS-005
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   context: [scaletarget]
#   checks:
#     request: 'it scales on {resource} utilisation, but container {container} of {target} requests no {resource}'
#     container: 'it scales on container {container}, which {target} does not have'
#   remediation: |-
#     Give each container a request, or measure only the one that counts:
#
#       metrics:
#       - type: ContainerResource
#         containerResource:
#           name: cpu
#           container: server
#           target: {type: Utilization, averageUtilization: 70}
package karb.autoscaling.as_request

import data.karb.lib.scaling

uses := [use |
	some metric in input.autoscaler.metrics
	metric.type in {"Resource", "ContainerResource"}
	metric.name in {"cpu", "memory"}
	use := {"path": metric.path, "resource": metric.name, "container": metric.container, "divides": is_number(metric.target.averageUtilization)}
]

# KEDA's webhook asks for the request of an AverageValue trigger, too (verifyCPUMemoryScalers).
triggers := [use |
	some trigger in input.autoscaler.triggers
	trigger.type in {"cpu", "memory"}
	use := {"path": trigger.path, "resource": trigger.type, "container": object.get(trigger.metadata, "containerName", null), "divides": true}
]

relevant := [use |
	some use in array.concat(uses, triggers)
	is_string(use.container)
]

dividing := [use | some use in array.concat(uses, triggers); use.divides]

violations contains {"check": "container", "path": use.path, "detail": {"container": use.container, "target": scaling.called}} if {
	some use in relevant
	not scaling.target.operator # which adds containers of its own
	some pod in scaling.target.pods
	not use.container in {c.name | some c in pod.containers}
}

violations contains object.union(doubt(container), {"check": "request", "path": use.path, "detail": {"resource": use.resource, "container": container.name, "target": scaling.called}}) if {
	some use in dividing
	some pod in scaling.target.pods
	some container in pod.containers
	measured(use, container)
	not use.resource in container.requests
	not use.resource in object.get(pod, "requests", [])
	not use.resource in scaling.target.defaulted
}

doubt(container) := {"unknown": "an operator fills in the resources of what it scales"} if {
	scaling.target.operator
} else := {"unknown": "what is merged into the containers of what it scales is not visible here"} if {
	container.open
} else := {}

# Init containers have ended when the pod is measured; sidecars run on.
measured(use, container) if {
	container.role in {"main", "sidecar"}
	object.get(use, "container", null) in {null, container.name}
}

violations contains {"check": "request", "path": ["spec"], "detail": {"resource": "", "container": "", "target": "it"}, "unknown": "the containers of what it scales are not visible here"} if {
	count(relevant) + count(dividing) > 0
	not scaling.target.found
}
