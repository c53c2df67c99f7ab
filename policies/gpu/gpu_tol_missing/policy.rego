# METADATA
# title: A GPU workload does not tolerate the taint of its GPU pool
# description: |-
#   On a cluster whose GPU nodes are tainted, a pod that requests a GPU without the toleration
#   stays Pending for ever: the scheduler counts nodes "with untolerated taint", and the node
#   autoscaler adds none because a new node would not help. During an incident it shows as replicas
#   that the autoscaler asked for and never got. On a cluster without the taint the toleration does
#   no harm, and the workload keeps running on the day the pool is isolated.
#   Kinds whose operator adds the toleration are not reported; where the admission plugin
#   ExtendedResourceToleration runs, set `injected`. GKE runs it everywhere, so nothing is asked of pods
#   that only GKE can run: they request `google.com/tpu` or select nodes by a label of GKE.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
#   description: Taints and tolerations
# - ref: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#extendedresourcetoleration
#   description: The admission plugin ExtendedResourceToleration
# custom:
#   id: KARB-GPU-003
#   severity: warning
#   since: 0.1.0
#   paper: III. GPU scheduling and allocation
#   match: [pods]
#   params:
#     taints:
#       type: object
#       additionalProperties: {type: string}
#       description: Vendor to the key of the taint on its node pool; a vendor that is not listed is not checked.
#       default:
#         nvidia: nvidia.com/gpu
#         amd: amd.com/gpu
#         google: google.com/tpu
#         aws: aws.amazon.com/neuron
#         habana: habana.ai/gaudi
#     effect:
#       type: string
#       enum: [NoSchedule, PreferNoSchedule, NoExecute]
#       description: The effect of those taints.
#       default: NoSchedule
#     injected:
#       type: boolean
#       description: The cluster adds a toleration for each extended resource that a pod requests (admission plugin ExtendedResourceToleration).
#       default: false
#   checks:
#     missing: 'this pod requests a GPU ({resources}) but tolerates no taint {key}:{effect}, so it stays Pending where GPU nodes carry it and the cluster adds no toleration'
#   remediation: |-
#     Add the toleration to the pod template:
#
#       tolerations:
#       - key: nvidia.com/gpu
#         operator: Exists
#         effect: NoSchedule
#
#     If your pool carries another taint (`sku=gpu`, for example), set the parameter `taints`.
package karb.gpu.gpu_tol_missing

import data.karb.lib.gpu
import data.karb.lib.pods

params := input.params["gpu-tol-missing"]

violations contains object.union(v, doubt) if {
	not pods.injected("tolerations")
	some [_, pod, certainty] in gpu.users
	some key in keys(pod)
	not tolerated(pod, key)
	doubt := object.union_n([certainty, vendor_doubt(key), pods.placement_doubt(pod)])
	v := {
		"check": "missing",
		"path": array.concat(pod.path, ["tolerations"]),
		"detail": {"key": key, "effect": params.effect, "resources": pod.gpu.resources},
	}
}

# The keys of the taints to tolerate; `?` while the vendor can't be told.
keys(pod) := {params.taints[vendor] | some vendor in pod.gpu.vendors} if {
	count(pod.gpu.vendors) > 0
} else := {"?"}

vendor_doubt("?") := {"unknown": "the vendor of the GPU can't be told, so neither can the taint of its pool"}

vendor_doubt(key) := {} if key != "?"

tolerated(pod, key) if {
	some toleration in pod.tolerations
	toleration.effect in ["", params.effect]
	covers(toleration, key)
} else if {
	# The admission plugin's tolerations: one for each extended resource, under the resource's name.
	key in pod.gpu.resources
	with_plugin(pod)
	params.effect != "NoExecute"
	not contains(key, "kubernetes.io/")
}

with_plugin(_) if params.injected

# On GKE: only there are TPUs a resource, and only its nodes have such labels.
with_plugin(pod) if "google.com/tpu" in pod.gpu.resources

with_plugin(pod) if {
	some selector in pod.selectors
	startswith(selector.key, "cloud.google.com/gke-")
}

covers(toleration, _) if toleration.wild

covers(toleration, key) if toleration.key == key

covers(toleration, "?") if toleration.gpu
