# What the rules of a role or binding grant, and which objects answer for it.
package karb.lib.rbac

import data.karb.lib.globs

# The violations of an object whose rules grant what `found` lists. An entry of it holds the
# `rule`, the `field` of the rule that says so, and in `what` the words for the message.
#
# A role answers for the rules it holds or aggregates. A binding answers where its role doesn't
# (one of Kubernetes' own, one that `params.exempt` names), or where it gives the role to a crowd.
answers(params, found) := set() if {
	exempt(params)
} else := doubt if {
	count(found) == 0
} else := written(found) | brought(found) if {
	answerable(params)
} else := set()

written(found) := {violation |
	some hit in found
	hit.rule.from == null
	violation := {
		"check": "rule",
		"path": array.concat(hit.rule.path, hit.field),
		"detail": {"what": hit.what},
	}
}

# One for each selector of an aggregationRule, or for a binding, however many rules come with it.
brought(found) := {violation |
	some path in {hit.rule.path | some hit in found; hit.rule.from != null}
	hits := {hit | some hit in found; hit.rule.path == path}
	what := {word | some hit in hits; some word in hit.what}
	roles := {hit.rule.from | some hit in hits}
	violation := {
		"check": brought_check,
		"path": path,
		"detail": object.union(subjects, {"what": sort(what), "role": sort(roles)}),
	}
}

brought_check := "bound" if {
	input.rbac.roleRef
} else := "aggregated"

subjects := {"subjects": [subject.text | some subject in input.rbac.subjects]} if {
	input.rbac.roleRef
} else := {}

# Nothing found proves nothing as long as some of the rules are not known.
doubt := {{"check": "rule", "path": doubt_path, "detail": {}, "unknown": input.rbac.unresolved}} if {
	is_string(input.rbac.unresolved)
	not without_subjects
} else := set()

doubt_path := input.rbac.roleRef.path if {
	input.rbac.roleRef
} else := ["aggregationRule"]

without_subjects if input.rbac.subjects == []

# Kubernetes creates and repairs its own roles and bindings: nobody here can mend them.
exempt(_) if input.rbac.builtin

exempt(params) if globs.any_of(params, "exempt", input.object.metadata.name)

answerable(_) if not input.rbac.roleRef

answerable(params) if {
	not without_subjects
	unanswered(params)
	not delegated(params)
	not administrator
}

# No role answers for what the binding gives, or not for whom.
unanswered(_) if input.rbac.roleRef.builtin

unanswered(params) if globs.any_of(params, "exempt", input.rbac.roleRef.name)

unanswered(_) if crowd

crowd if {
	some subject in input.rbac.subjects
	subject.everybody
}

# Kubernetes' roles for people, given to somebody in one namespace: what they are made for.
delegated(params) if {
	not input.rbac.clusterWide
	input.rbac.roleRef.builtin
	input.rbac.roleRef.name in object.get(params, "delegated", [])
	not crowd
}

# Who may be an administrator is one question, which rbac-admin asks.
administrator if {
	input.rbac.roleRef.builtin
	input.rbac.roleRef.name == "cluster-admin"
	not crowd
}

# Whether a rule holds `verb`, and `group`, by name or by `*`.
has_verb(rule, verb) if {
	some word in rule.verbs
	word in {"*", verb}
}

has_group(rule, group) if {
	some word in rule.apiGroups
	word in {"*", group}
}

# Whether an entry of a rule's `resources` stands for `resource`: `pods/exec` is matched by itself,
# by `*/exec` and by `*`, and not by `pods`.
covers("*", _)

covers(entry, resource) if entry == resource

covers(entry, resource) if {
	parts := split(resource, "/")
	count(parts) == 2
	entry == concat("/", ["*", parts[1]])
}

# Cluster-scoped resources, and URLs, are out of reach of Roles and RoleBindings.
reaches(namespaced) if namespaced

reaches(_) if input.rbac.clusterWide
