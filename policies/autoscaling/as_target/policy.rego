# METADATA
# title: An autoscaler has nothing to scale, or something that it cannot scale
# description: |-
#   An autoscaler works through the subresource `scale` of the object that it names. A name that is
#   not there (a typing error, a renamed Deployment), a kind without that subresource (RayService,
#   RayCluster, DaemonSet), or an object that another controller owns and sets back (the Deployment
#   of a Knative revision, the ReplicaSet of a Deployment) leaves an autoscaler that looks
#   configured and never scales. So does an HPA with a minimum of 0 on a target that is created with
#   `replicas: 0`: it leaves zero only where it went there itself (condition ScaledToZero).
#   What is missing is only reported where the other objects of its namespace are there.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
#   description: Horizontal Pod Autoscaling
# custom:
#   id: KARB-AS-001
#   severity: error
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   context: [scaletarget]
#   checks:
#     missing: '{target} is not there, so this autoscaler scales nothing'
#     subresource: '{target} has no scale subresource, so no autoscaler can set its replicas'
#     owned: '{target} belongs to another controller, which sets its replicas back'
#     group: '{target} is no kind of API group {group}'
#     asleep: '{target} has replicas: 0, and an HPA does not leave a zero that it did not set'
#   remediation: |-
#     Name the object that owns the pods' number, by its kind, group and name:
#
#       spec:
#         scaleTargetRef:
#           apiVersion: apps/v1
#           kind: Deployment
#           name: llm
#
#     Let Ray, Knative and KServe scale what they own by their own settings. Create a workload with at
#     least one replica, or without `replicas`, and let the HPA take it to zero.
package karb.autoscaling.as_target

import data.karb.lib.scaling

unscalable := {
	"ray.io/RayCluster", "ray.io/RayService", "ray.io/RayJob", "apps/DaemonSet", "batch/Job",
	"batch/CronJob", "/Pod", "serving.knative.dev/Service", "serving.knative.dev/Configuration",
	"serving.knative.dev/Revision", "serving.kserve.io/InferenceService",
	"serving.kserve.io/LLMInferenceService", "apps.nvidia.com/NIMPipeline",
}

groups := {"Deployment": "apps", "StatefulSet": "apps", "ReplicaSet": "apps", "ReplicationController": ""}

reference := input.autoscaler.target

group := split(reference.apiVersion, "/")[0] if {
	contains(reference.apiVersion, "/")
} else := ""

violations contains {"check": "subresource", "path": ["spec", "scaleTargetRef", "kind"], "detail": {"target": name}} if {
	concat("/", [group, reference.kind]) in unscalable
}

violations contains {"check": "group", "path": ["spec", "scaleTargetRef", "apiVersion"], "detail": {"target": name, "group": shown}} if {
	groups[reference.kind] != group
	not refused
	shown := [g | some g in [group, "v1"]; g != ""][0]
}

# The API server takes no HPA with a target without a group: as-valid says it.
refused if {
	group == ""
	input.autoscaler.kind == "HorizontalPodAutoscaler"
}

violations contains {"check": "missing", "path": ["spec", "scaleTargetRef", "name"], "detail": {"target": name}} if {
	plausible
	scaling.target.found == false
}

violations contains {"check": "owned", "path": ["spec", "scaleTargetRef"], "detail": {"target": name}} if {
	scaling.target.controlled
	not input.object.metadata.ownerReferences
}

violations contains {"check": "missing", "path": ["spec", "scaleTargetRef", "name"], "detail": {"target": name}, "unknown": "what this autoscaler scales is not visible here"} if {
	plausible
	not is_boolean(object.get(input.context, ["scaletarget", "found"], null))
}

violations contains {"check": "asleep", "path": ["spec", "minReplicas"], "detail": {"target": name}} if {
	scaling.target.asleep
}

plausible if {
	is_string(reference.name)
	is_string(reference.kind)
	not concat("/", [group, reference.kind]) in unscalable
	object.get(groups, reference.kind, group) == group
}

name := concat(" ", [object.get(reference, "kind", ""), object.get(reference, "name", "")])
