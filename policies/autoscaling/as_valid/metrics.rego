# The metrics of an HPA (validateMetricSpec and what it calls).
package karb.autoscaling.as_valid

types := ["Object", "Pods", "Resource", "External", "ContainerResource"]

# Metrics that somebody wrote in the shape of autoscaling/v2.
written := [metric | some metric in entry.metrics; is_array(metric.sources)]

required contains array.concat(metric.path, ["type"]) if {
	some metric in written
	not is_string(metric.type)
}

wrong contains {"path": array.concat(metric.path, ["type"]), "value": metric.type, "wanted": concat(", ", types)} if {
	some metric in written
	is_string(metric.type)
	not metric.type in types
}

# Of several sources the one that the type names may be there.
both contains [array.concat(metric.path, [given]), peer] if {
	some metric in written
	count(metric.sources) > 1
	some given in metric.sources
	given != object.get(metric, "source", null)
	peer := [each | some each in array.concat([metric.source], metric.sources); each != null; each != given][0]
}

# The source that is judged, which is the first, whatever the type.
judged := [{"of": of, "path": path, "is": is, "amounts": metric.amounts, "goal": object.get(is, "target", {}), "at": array.concat(path, ["target"])} |
	some metric in written
	of := metric.sources[0]
	path := array.concat(metric.path, [of])
	is := object.get(input.object, path, {})
]

required contains array.concat(source.at, ["type"]) if {
	some source in judged
	not filled(source.goal, "type")
}

wrong contains {"path": array.concat(source.at, ["type"]), "value": source.goal.type, "wanted": "Utilization, Value, AverageValue"} if {
	some source in judged
	filled(source.goal, "type")
	not source.goal.type in ["Utilization", "Value", "AverageValue"]
}

wrong contains {"path": array.concat(source.at, [key]), "value": source.goal[key], "wanted": "a quantity above 0"} if {
	some source in judged
	some key, amount in source.amounts
	not positive(amount)
}

positive(amount) if {
	is_number(amount)
	amount > 0
}

wrong contains {"path": array.concat(source.at, ["averageUtilization"]), "value": source.goal.averageUtilization, "wanted": "1 or more"} if {
	some source in judged
	filled(source.goal, "averageUtilization")
	outside(source.goal.averageUtilization, 1, most)
}

# Which fields of the target a source is satisfied with, and which of two is too much.
goals := {
	"pods": ["averageValue"],
	"object": ["averageValue", "value"],
	"external": ["averageValue", "value"],
	"resource": ["averageUtilization", "averageValue"],
	"containerResource": ["averageUtilization", "averageValue"],
}

required contains array.concat(source.at, [goals[source.of][0]]) if {
	some source in judged
	every key in goals[source.of] {
		not filled(source.goal, key)
	}
}

both contains [array.concat(source.at, [second]), first] if {
	some source in judged
	source.of != "object"
	[first, second] := goals[source.of]
	filled(source.goal, first)
	filled(source.goal, second)
}

# Names: of the metric, the resource and the container.
named := {"pods": ["metric", "name"], "object": ["metric", "name"], "external": ["metric", "name"], "resource": ["name"], "containerResource": ["name"]}

required contains array.concat(source.path, named[source.of]) if {
	some source in judged
	object.get(source.is, named[source.of], "") in ["", null]
}

wrong contains {"path": array.concat(source.path, named[source.of]), "value": name, "wanted": a_name} if {
	some source in judged
	name := source.is.metric.name
	not name in ["", null]
	unsafe(name)
}

wrong contains {"path": array.concat(source.path, ["name"]), "value": source.is.name, "wanted": "a resource of containers"} if {
	some source in judged
	source.of == "containerResource"
	filled(source.is, "name")
	not contains(source.is.name, "/")
	not source.is.name in ["cpu", "memory", "ephemeral-storage"]
	not startswith(source.is.name, "hugepages-")
}

required contains array.concat(source.path, ["container"]) if {
	some source in judged
	source.of == "containerResource"
	not filled(source.is, "container")
}

wrong contains {"path": array.concat(source.path, ["container"]), "value": source.is.container, "wanted": "the name of a container"} if {
	some source in judged
	source.of == "containerResource"
	filled(source.is, "container")
	not label(source.is.container)
}

label(name) if {
	count(name) < 64
	regex.match(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`, name)
}

references contains {"path": array.concat(source.path, ["describedObject"]), "to": object.get(source.is, "describedObject", {})} if {
	some source in judged
	source.of == "object"
}
