# METADATA
# title: KServe scales a service by what nobody chose
# description: |-
#   In Standard mode an InferenceService without the annotation `serving.kserve.io/autoscalerClass`
#   gets an HPA on 80 % of CPU, which a GPU server hardly moves. With class `hpa` a `minReplicas` of
#   0 becomes 1: the idle GPU that was to be saved stays. And a service of several nodes
#   (`workerSpec`) can't be scaled by it: the class must be `none`.
# related_resources:
# - ref: https://kserve.github.io/website/docs/model-serving/predictive-inference/autoscaling/hpa-autoscaler
#   description: KServe, autoscaling
# custom:
#   id: KARB-AS-016
#   severity: warning
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - serving.kserve.io/InferenceService
#   demanding: true
#   checks:
#     default: 'no serving.kserve.io/autoscalerClass is given, so KServe makes an HPA on 80 % of CPU'
#     multinode: 'a service of several nodes needs autoscalerClass none, not {class}'
#     zero: 'with autoscaler class hpa a minReplicas of 0 becomes 1'
#   remediation: |-
#     Choose, on the InferenceService:
#
#       metadata:
#         annotations:
#           serving.kserve.io/deploymentMode: Standard
#           serving.kserve.io/autoscalerClass: keda
package karb.autoscaling.as_kserve

import data.karb.lib.gpu
import data.karb.lib.objects

annotations := objects.annotations

standard if annotations["serving.kserve.io/deploymentMode"] in {"RawDeployment", "Standard"}

at := ["metadata", "annotations", "serving.kserve.io/autoscalerClass"]

class := object.get(annotations, "serving.kserve.io/autoscalerClass", "hpa (the default)")

multinode if input.object.spec.predictor.workerSpec

violations contains object.union({"check": "default", "path": at, "detail": {}}, doubt) if {
	standard
	not annotations["serving.kserve.io/autoscalerClass"]
	not multinode
	some pod in input.pods
	doubt := gpu.user(pod)
}

violations contains {"check": "multinode", "path": at, "detail": {"class": class}} if {
	multinode
	class != "none"
}

violations contains {"check": "zero", "path": ["spec", component, "minReplicas"], "detail": {}} if {
	standard
	startswith(class, "hpa")
	some component in ["predictor", "transformer", "explainer"]
	input.object.spec[component].minReplicas == 0
}
