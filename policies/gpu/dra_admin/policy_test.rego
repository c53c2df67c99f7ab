package karb.gpu.dra_admin_test

import data.karb.gpu.dra_admin

answers(obj) := found if {
	found := dra_admin.violations with input as {
		"params": {"dra-admin": {"namespaces": ["gpu-operator", "monitoring-*"]}},
		"object": obj,
	}
}

labelled(name, labels) := {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}

test_both_labels_are_reported if {
	every label in ["resource.kubernetes.io/admin-access", "resource.k8s.io/admin-access"] {
		answers(labelled("search", {label: "true"})) == {{
			"check": "label",
			"path": ["metadata", "labels", label],
			"detail": {"namespace": "search", "label": label},
		}}
	}
}

test_allowed_namespaces_and_other_values_pass if {
	answers(labelled("gpu-operator", {"resource.kubernetes.io/admin-access": "true"})) == set()
	answers(labelled("monitoring-gpu", {"resource.kubernetes.io/admin-access": "true"})) == set()
	answers(labelled("search", {"resource.kubernetes.io/admin-access": "True"})) == set()
	answers({"kind": "Namespace", "metadata": {"name": "search"}}) == set()
}

claim(namespace, requests) := {
	"kind": "ResourceClaim", "metadata": {"name": "c", "namespace": namespace},
	"spec": {"devices": {"requests": requests}},
}

admin := {"name": "r", "exactly": {"deviceClassName": "gpu.nvidia.com", "adminAccess": true}}

test_a_request_is_reported_at_the_field if {
	answers(claim("search", [{"name": "a"}, admin])) == {{
		"check": "claim",
		"path": ["spec", "devices", "requests", 1, "exactly", "adminAccess"],
		"detail": {"request": "r", "namespace": "search", "deviceClass": "gpu.nvidia.com"},
	}}
}

test_older_requests_and_templates if {
	old := {"name": "r", "deviceClassName": "gpu.nvidia.com", "adminAccess": true}
	{v.path | some v in answers(claim("search", [old]))} == {["spec", "devices", "requests", 0, "adminAccess"]}
	template := {
		"kind": "ResourceClaimTemplate", "metadata": {"namespace": "search"},
		"spec": {"spec": {"devices": {"requests": [admin]}}},
	}
	count(answers(template)) == 1
}

test_allowed_namespaces_may_ask if answers(claim("gpu-operator", [admin])) == set()

test_without_a_namespace_it_is_undecided if {
	every v in answers({"kind": "ResourceClaim", "metadata": {}, "spec": {"devices": {"requests": [admin]}}}) {
		contains(v.unknown, "no namespace")
	}
}

test_odd_shapes_are_survived if {
	answers(claim("search", "odd")) == set()
	answers(claim("search", ["odd", {"exactly": "odd"}])) == set()
}

test_a_name_of_another_type_is_not_repeated if {
	odd := {"name": {"a": 1}, "exactly": {"deviceClassName": {"b": 2}, "adminAccess": true}}
	[v] := [v | some v in answers(claim("search", [odd]))]
	v.detail == {"request": "", "namespace": "search", "deviceClass": ""}
}
