# METADATA
# title: A Service opens a model port to the outside of the cluster
# description: |-
#   Clients are meant to come through the edge (authentication, rate limits) and the router (queue,
#   back-pressure). A Service of type LoadBalancer or NodePort in front of a model server goes
#   around both: whoever finds the address sends prompts for free, loads adapters through the admin
#   API, and a burst that the queue would absorb hits the GPUs directly. A NodePort opens the port
#   on every node, and load balancers that are internal to the network go around the edge as well.
#   Looked at are the workloads of the same input or cluster that the Service selects: those with a
#   GPU, and the ports that are not another container's (an exporter's metrics are no model port).
#   Where none is visible, and the port has a name or is one that model servers use (parameter
#   `ports`), the invariant does not decide.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types
#   description: Publishing Services (ServiceTypes)
# custom:
#   id: KARB-NET-007
#   severity: warning
#   since: 0.1.0
#   paper: I. Introduction
#   match: [/Service]
#   context: [backends]
#   params:
#     ports:
#       type: array
#       items: {type: integer, minimum: 1, maximum: 65535}
#       description: Ports of model servers, for Services whose pods are not visible (vLLM, Triton, TGI and KServe, TensorFlow Serving, Ollama, SGLang).
#       default: [8000, 8001, 8080, 8500, 8501, 11434, 30000]
#   checks:
#     exposed: 'Service type {type} opens port {port} of the GPU workload {workloads} to the outside of the cluster'
#   remediation: |-
#     Make it a ClusterIP Service and let clients come through the gateway:
#
#       spec:
#         type: ClusterIP
#
#     Route to it with an HTTPRoute or Ingress of the edge layer, which terminates TLS and
#     authenticates. A Service that must stay public needs a waiver with an end date.
package karb.network.svc_public

params := input.params["svc-public"]

external if input.object.spec.type in {"LoadBalancer", "NodePort"}

violations contains object.union(violation, certainty) if {
	external
	some i, port in object.get(input.object, ["spec", "ports"], [])
	some certainty in doubts(port)
	violation := {
		"check": "exposed",
		"path": ["spec", "ports", i],
		"detail": {"type": input.object.spec.type, "port": object.get(port, "port", 0), "workloads": workloads(port)},
	}
}

# Certain where a GPU workload is behind the port, else what is in the way of an answer.
doubts(port) := [{}] if {
	count(workloads(port)) > 0
} else := [{"unknown": why} |
	some backend in input.context.backends
	backend.gpu == null
	leads_to_model(port, backend)
	why := concat("", [backend.name, ": ", backend.why])
] if {
	input.context.backends
} else := [{"unknown": "the pods behind this Service are not visible here"}] if {
	may_be_model(port)
}

may_be_model(port) if is_string(target(port))

may_be_model(port) if {
	some number in params.ports
	number in {target(port), object.get(port, "port", 0)}
}

workloads(port) := sort({backend.name |
	some backend in object.get(input.context, "backends", [])
	backend.gpu == true
	leads_to_model(port, backend)
})

leads_to_model(port, backend) if {
	selected(backend)
	some declared in backend.ports
	declared.gpu
	target(port) in {declared.number, declared.name}
}

# A container listens on ports that it doesn't declare, too.
leads_to_model(port, backend) if {
	selected(backend)
	is_number(target(port))
	declared := {each.number | some each in backend.ports}
	not target(port) in declared
}

# An object may have further templates, whose pods this Service doesn't select. The labels of one
# that is too large to be read are null.
selected(backend) if backend.labels == null

selected(backend) if {
	every key, value in input.object.spec.selector {
		backend.labels[key] == value
	}
}

target(port) := object.get(port, "targetPort", object.get(port, "port", 0))
