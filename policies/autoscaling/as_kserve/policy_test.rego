package karb.autoscaling.as_kserve_test

import data.karb.autoscaling.as_kserve

checks(annotations, predictor) := {v.check |
	pod := {"gpu": {"workload": true, "unaccounted": false, "suspected": false, "unknown": null, "resources": [], "vendors": [], "evidence": []}}
	some v in as_kserve.violations with input as {"object": {"metadata": {"annotations": annotations}, "spec": {"predictor": predictor}}, "pods": [pod], "params": {"as-kserve": {}}}
}

raw := {"serving.kserve.io/deploymentMode": "Standard"}

with_class(class) := object.union(raw, {"serving.kserve.io/autoscalerClass": class})

test_knative_passes if checks({}, {}) == set()

test_default if checks(raw, {}) == {"default"}

test_keda_passes if checks(with_class("keda"), {"minReplicas": 0}) == set()

test_zero if checks(with_class("hpa"), {"minReplicas": 0}) == {"zero"}

test_multinode if checks(with_class("hpa"), {"workerSpec": {"size": 2}}) == {"multinode"}

test_multinode_none_passes if checks(with_class("none"), {"workerSpec": {"size": 2}}) == set()
