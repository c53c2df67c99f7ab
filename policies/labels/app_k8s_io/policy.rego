# METADATA
# title: The pods do not say which application they are
# description: |-
#   Dashboards, cost reports, `kubectl get pods -l` and the selectors of monitors and network
#   policies go by labels. With `app` here, `k8s-app` there and `model` elsewhere, nobody can ask
#   for "all pods of this model server, whatever its version" across teams, and after a rollout that
#   made latency worse the metrics can't be split by version. Kubernetes recommends common labels
#   for this; tools read them. They belong on the pod template: labels of a Deployment alone are
#   not on its pods. What an operator fills in by itself counts where it names the application (KServe
#   gives the pods of an LLMInferenceService its name), not where it is the same for all of them
#   (KubeRay: `kuberay`). Runtimes (the services that use them are labelled) and DaemonSets are exempt.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
#   description: Recommended labels
# custom:
#   id: KARB-SLO-004
#   severity: info
#   since: 0.1.0
#   match: [pods]
#   demanding: true
#   params:
#     labels:
#       type: array
#       items: {type: string, minLength: 1}
#       description: The labels that every pod carries.
#       default: [app.kubernetes.io/name, app.kubernetes.io/version]
#   checks:
#     missing: 'no label {label} is written for the pods'
#   remediation: |-
#     Label the pod template (and the object itself, so that both are found):
#
#       template:
#         metadata:
#           labels:
#             app.kubernetes.io/name: llm-server
#             app.kubernetes.io/version: v0.11.0
#
#     Leave the version out of `spec.selector` of a Deployment: a selector can't be changed.
package karb.labels.app_k8s_io

import data.karb.lib.pods

params := input.params["app-k8s-io"]

violations contains object.union(v, pods.pod_doubt(pod)) if {
	not input.workload.role in ["runtime", "system"]
	some pod in input.pods
	some label in params.labels
	not pod.labels[label]
	not filled_in(label)
	v := {
		"check": "missing",
		"path": array.concat(pod.metadataPath, ["labels", label]),
		"detail": {"label": label},
	}
}

filled_in("app.kubernetes.io/name") if pods.injected("name")
