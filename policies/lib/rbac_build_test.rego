# Input documents of RBAC objects for tests. Only `opa test` loads this file.
package karb.lib.rbac_build

rule(changes) := object.union(
	{
		"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": [],
		"nonResourceURLs": [], "path": ["rules", 0], "from": null,
	},
	changes,
)

role(name, params, rules, changes) := {
	"params": {name: params},
	"object": {
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
		"metadata": {"name": "model-operator"},
	},
	"rbac": object.union(
		{
			"kind": "ClusterRole", "clusterWide": true, "builtin": false, "rules": rules, "unresolved": null,
			"reviewBy": {
				"key": "karb.dev/review-by", "raw": "2027-03-31", "date": "2027-03-31",
				"path": ["metadata", "annotations", "karb.dev/review-by"],
			},
		},
		changes,
	),
	"today": "2026-11-23",
	"context": {},
}

# A ClusterRoleBinding of ClusterRole `edit` to one ServiceAccount.
binding(name, params, rules, changes) := object.union(
	role(name, params, [], {}),
	{"rbac": object.union(
		{
			"kind": "ClusterRoleBinding",
			"rules": [object.union(each, {"path": ["roleRef", "name"], "from": "ClusterRole edit"}) | some each in rules],
			"roleRef": {
				"kind": "ClusterRole", "name": "edit", "text": "ClusterRole edit", "builtin": true,
				"path": ["roleRef", "name"],
			},
			"subjects": [subject("ServiceAccount", "llm", false)],
		},
		changes,
	)},
)

subject(kind, name, everybody) := {
	"kind": kind, "name": name, "text": concat(" ", [kind, name]), "everybody": everybody,
	"path": ["subjects", 0],
}
