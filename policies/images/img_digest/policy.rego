# METADATA
# title: An image is not pinned by digest
# description: |-
#   A tag is a pointer that whoever may push to the repository can move. A node that joins during a
#   scale-out pulls what the tag points to then, so that replicas of one Deployment differ, a
#   scanned image is not the one that runs, and a stolen registry credential is enough to run code
#   on every GPU node. A digest names the content: another content is another digest. Signatures
#   and scans speak of digests, too. Init, sidecar and ephemeral containers count, and volumes made
#   of an OCI image, which is how models are shipped as images. Knative looks up the digest of a tag
#   when it makes a Revision, unless its configuration skips the registry, which isn't visible here:
#   its kinds are undecided.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/containers/images/#image-names
#   description: Image names, tags and digests
# - ref: https://kubernetes.io/docs/concepts/storage/volumes/#image
#   description: Volumes from OCI images
# - ref: https://knative.dev/docs/serving/tag-resolution/
#   description: Knative, tag resolution
# custom:
#   id: KARB-IMG-003
#   severity: warning
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   identity: value
#   demanding: true
#   checks:
#     unpinned: '{role} container {container}: image {image} has no digest'
#     volume: 'volume {volume}: image {image} has no digest'
#   remediation: |-
#     Append the digest of the image that you tested; the tag may stay, as a comment:
#
#       image: registry.example.com/ml/vllm-openai:v0.11.0@sha256:<digest>
#
#     `crane digest <image>` and `docker buildx imagetools inspect <image>` print it. Kustomize
#     (`images: [{name: ..., digest: ...}]`) and bots such as Renovate or Dependabot keep it up to date.
package karb.images.img_digest

import data.karb.lib.images
import data.karb.lib.pods

violations contains object.union(v, certainty) if {
	some pod in input.pods
	some container in pod.containers
	image := container.image
	image.digest == null
	image.error == null # what can't be read is reported as that
	v := {
		"check": "unpinned",
		"path": images.path(container),
		"detail": {"container": container.name, "role": container.role, "image": image.raw},
	}
}

certainty := {"unknown": "Knative pins a tag when it makes a Revision, unless registries-skipping-tag-resolving names its registry"} if {
	pods.injected("digests")
} else := {}

violations contains v if {
	some pod in input.pods
	some i, volume in pod.spec.volumes
	reference := volume.image.reference
	not contains(reference, "@")
	v := {
		"check": "volume",
		"path": array.concat(pod.path, ["volumes", i, "image", "reference"]),
		"detail": {"volume": object.get(volume, "name", ""), "image": reference},
	}
}
