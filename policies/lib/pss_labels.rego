# The Pod Security labels of a Namespace, read as Kubernetes reads them (k8s.io/pod-security-admission,
# api/helpers.go: ParseLevel, ParseVersion, PolicyToEvaluate).
package karb.lib.pss_labels

modes := ["enforce", "audit", "warn"]

levels := {"privileged", "baseline", "restricted"}

labels := object.get(input.object, ["metadata", "labels"], {})

key(mode) := concat("", ["pod-security.kubernetes.io/", mode])

version_key(mode) := concat("", [key(mode), "-version"])

# A version that the API server understands, `latest` aside.
pinned(version) if regex.match(`^v1\.(0|[1-9][0-9]*)$`, version)

# Where a label stands, or should.
path(label) := ["metadata", "labels", label]
