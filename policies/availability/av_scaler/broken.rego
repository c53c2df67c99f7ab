package karb.availability.av_scaler

# Kinds without the subresource `scale`, through which both HPA and KEDA work.
unscalable := {"InferenceService", "RayCluster", "RayService", "Service", "Configuration", "Revision", "NIMPipeline"}

# What is wrong with an autoscaler whatever its pods look like.
broken(scaler) := target(scaler) | bounds(scaler)

target(scaler) := {{"check": "target", "detail": {"problem": problem}} |
	not scaler.own
	scaler.target.kind == input.workload.kind
	some problem in mistargeted(scaler.target)
}

mistargeted(reference) := {concat(" ", ["kind", input.workload.kind, "has no scale subresource"])} if {
	input.workload.kind in unscalable
} else := {"its scaleTargetRef names no apiVersion"} if {
	reference.apiVersion == null
} else := {concat(" ", ["its scaleTargetRef names apiVersion", reference.apiVersion, "which has no such kind"])} if {
	group(reference.apiVersion) != input.workload.group
} else := set()

group(api_version) := split(api_version, "/")[0] if {
	contains(api_version, "/")
} else := ""

bounds(scaler) := {problem |
	some text in misbounded(scaler)
	detail := {"min": scaler.min, "max": scaler.max, "problem": text}
	problem := {"check": "bounds", "detail": detail}
}

misbounded(scaler) := {"the minimum is above the maximum"} if {
	is_number(scaler.max)
	scaler.min > scaler.max
} else := set()
