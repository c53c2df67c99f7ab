package karb.autoscaling.as_valid_test

import data.karb.autoscaling.as_valid

checks(entry, spec) := {v.check |
	some v in as_valid.violations with input as {"object": {"spec": spec}, "autoscaler": entry, "params": {"as-valid": {}}}
}

keda(changes) := object.union({"kind": "ScaledObject", "min": 0, "max": 100, "idle": null}, changes)

scales(changes) := object.union({"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"}, "maxReplicas": 4}, changes)

hpa(changes) := object.union({"kind": "HorizontalPodAutoscaler", "min": 1, "max": 4, "idle": null}, changes)

faults(entry, spec) := {[v.check, v.path[count(v.path) - 1]] |
	some v in as_valid.violations with input as {"object": {"spec": spec}, "autoscaler": entry, "params": {"as-valid": {}}}
}

test_ordered_bounds_pass if {
	checks(keda({"min": 1, "max": 1}), {"minReplicaCount": 1}) == set()
	checks({"kind": "HorizontalPodAutoscaler", "min": 1, "max": null, "idle": null}, scales({})) == set()
}

test_inverted if {
	checks(keda({"min": 5, "max": 4}), {"minReplicaCount": 5}) == {"inverted"}
	checks({"kind": "HorizontalPodAutoscaler", "min": 5, "max": 4, "idle": null}, scales({})) == {"inverted"}
}

test_idle if {
	checks(keda({"idle": 0}), {}) == {"idle"}
	checks(keda({"idle": 0}), {"minReplicaCount": 0}) == set()
	checks(keda({"idle": 0, "min": 1}), {"minReplicaCount": 1}) == set()
	checks(keda({"idle": 2, "min": 2}), {"minReplicaCount": 2}) == {"idle"}
}

test_bounds_have_bounds if {
	faults(hpa({"max": null}), {"scaleTargetRef": scales({}).scaleTargetRef}) == {["required", "maxReplicas"]}
	faults(hpa({"max": null}), scales({"maxReplicas": "4"})) == {["value", "maxReplicas"]}
	faults(hpa({"max": -1}), scales({"maxReplicas": -1})) == {["value", "maxReplicas"]}
	faults(hpa({"min": -1}), scales({"minReplicas": -1})) == {["value", "minReplicas"]}
	faults(hpa({}), scales({"minReplicas": 1.5})) == {["value", "minReplicas"]}
	faults(hpa({}), scales({"targetCPUUtilizationPercentage": 0})) == {["value", "targetCPUUtilizationPercentage"]}
}

to(reference) := faults(hpa({}), {"maxReplicas": 4, "scaleTargetRef": reference})

test_a_target_is_named if {
	to({}) == {["required", "kind"], ["required", "name"], ["required", "apiVersion"]}
	to({"apiVersion": "v1", "kind": "Widget", "name": "a/b"}) == {["value", "apiVersion"], ["value", "name"]}
	to({"apiVersion": "a/b/c", "kind": "..", "name": "llm"}) == {["value", "apiVersion"], ["value", "kind"]}
	to({"kind": "ReplicationController", "name": "llm"}) == set()
}

behaving(rules) := faults(hpa({"behavior": {"scaleUp": rules}}), scales({}))

test_rules_of_a_behavior if {
	behaving({"stabilizationWindowSeconds": 3600, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 1800}]}) == set()
	behaving({"stabilizationWindowSeconds": 3601}) == {["value", "stabilizationWindowSeconds"]}
	behaving({"selectPolicy": "max"}) == {["value", "selectPolicy"]}
	behaving({"policies": []}) == {["required", "policies"]}
	behaving({"policies": [{"type": "pods", "value": 0, "periodSeconds": 1801}]}) == {["value", "type"], ["value", "value"], ["value", "periodSeconds"]}
	behaving({"policies": [{}]}) == {["required", "type"], ["required", "value"], ["required", "periodSeconds"]}
}

test_tolerances if {
	faults(hpa({"tolerances": {"scaleUp": 0}, "behavior": {"scaleUp": {"tolerance": "0"}}}), scales({})) == set()
	faults(hpa({"tolerances": {"scaleUp": -100}, "behavior": {"scaleUp": {"tolerance": "-0.1"}}}), scales({})) == {["value", "tolerance"]}
	faults(hpa({"tolerances": {"scaleUp": null}, "behavior": {"scaleUp": {"tolerance": "10%"}}}), scales({})) == {["value", "tolerance"]}
}

test_keda_hands_the_behavior_on if {
	behavior := {"scaleDown": {"stabilizationWindowSeconds": 9999, "policies": []}}
	some v in as_valid.violations with input as {"object": {"spec": {}}, "autoscaler": keda({"behavior": behavior}), "params": {"as-valid": {}}}
	v.path == ["spec", "advanced", "horizontalPodAutoscalerConfig", "behavior", "scaleDown", "stabilizationWindowSeconds"]
	faults(keda({"behavior": behavior}), {}) == {["value", "stabilizationWindowSeconds"]}
}

measured(kind, source, sources, amounts, spec) := faults(
	hpa({"metrics": [{"path": ["spec", "metrics", 0], "type": kind, "source": source, "sources": sources, "amounts": amounts}]}),
	scales({"metrics": [spec]}),
)

test_sources_of_a_metric if {
	pods := {"metric": {"name": "x"}, "target": {"type": "AverageValue", "averageValue": "8"}}
	measured("Pods", "pods", ["pods"], {"averageValue": 8000}, {"pods": pods}) == set()
	measured("pods", null, ["pods"], {"averageValue": 8000}, {"pods": pods}) == {["value", "type"]}
	measured("Pods", "pods", ["external", "pods"], {"averageValue": 8000}, {"pods": pods, "external": pods}) == {["both", "external"]}
	measured("Pods", "pods", ["pods"], {"averageValue": 0}, {"pods": pods}) == {["value", "averageValue"]}
	measured("Pods", "pods", ["pods"], {"averageValue": null}, {"pods": pods}) == {["value", "averageValue"]}
	measured("Pods", "pods", ["pods"], {}, {"pods": {}}) == {["required", "name"], ["required", "type"], ["required", "averageValue"]}
}

test_targets_of_a_source if {
	target := {"type": "Value", "value": "5", "averageValue": "5"}
	amounts := {"value": 5000, "averageValue": 5000}
	measured("External", "external", ["external"], amounts, {"external": {"metric": {"name": "x"}, "target": target}}) == {["both", "value"]}
	described := {"kind": "Service", "name": "s"}
	measured("Object", "object", ["object"], amounts, {"object": {"describedObject": described, "metric": {"name": "x"}, "target": target}}) == set()
	measured("Object", "object", ["object"], amounts, {"object": {"metric": {"name": "x"}, "target": target}}) == {["required", "kind"], ["required", "name"]}
	of := {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 0}}
	measured("Resource", "resource", ["resource"], {}, {"resource": of}) == {["value", "averageUtilization"]}
	measured("ContainerResource", "containerResource", ["containerResource"], {}, {"containerResource": of}) == {["value", "averageUtilization"], ["required", "container"]}
	odd := {"name": "gpu", "container": "My_C", "target": {"type": "Utilization", "averageUtilization": 60}}
	measured("ContainerResource", "containerResource", ["containerResource"], {}, {"containerResource": odd}) == {["value", "name"], ["value", "container"]}
}
