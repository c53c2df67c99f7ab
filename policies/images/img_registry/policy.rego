# METADATA
# title: An image comes from a registry that nobody approved
# description: |-
#   Whoever controls the image controls the model server, the weights it mounts and the tokens in
#   its environment. Look-alike names on public registries carry cryptominers, for which a GPU node
#   is the prize. Public registries also throttle:
#   when twenty replicas scale out at once, pulls fail with 429 in the middle of the burst.
#   Approved registries are scanned, mirrored and close by. References are read as container
#   runtimes read them: `vllm/vllm-openai` is `docker.io/vllm/vllm-openai`, `nginx` is
#   `docker.io/library/nginx`, and `evil.io/nvcr.io/x` comes from `evil.io`.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/containers/images/
#   description: Images
# - ref: https://github.com/distribution/reference
#   description: The grammar of image references
# custom:
#   id: KARB-IMG-001
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   identity: value
#   params:
#     registries:
#       type: array
#       items: {type: string, minLength: 1}
#       description: |-
#         Approved registries, or repositories below one: globs over `registry/repository` or its
#         beginning up to a slash. `*` stands for anything but a dot or a slash, `**` for anything.
#         Examples: `nvcr.io/nvidia`, `*.dkr.ecr.*.amazonaws.com`, `docker.io/library/redis`.
#       default: []
#   checks:
#     unapproved: 'container {container} takes image {image} from {registry}, which is not approved; approved: {registries}'
#     unparsable: 'container {container}: image "{image}" can not be read ({problem}), so its registry is not known'
#   remediation: |-
#     Push or mirror the image to an approved registry and name it there, for example
#     `registry.example.com/mirror/vllm-openai:v0.11.0`. If the registry should be trusted, add it to
#     `img-registry.registries`, as narrow as it gets: `nvcr.io/nvidia` rather than `nvcr.io`.
package karb.images.img_registry

import data.karb.lib.globs
import data.karb.lib.images

params := input.params["img-registry"]

violations contains v if {
	count(params.registries) == 0
	some container in images.named
	v := {
		"check": "unapproved",
		"path": images.path(container),
		"detail": {},
		"unknown": "no registry is approved: set img-registry.registries",
	}
}

violations contains v if {
	some v in images.unparsable
	count(params.registries) > 0
}

violations contains v if {
	some container in images.named
	not is_string(container.image.error)
	not approved(container.image)
	count(params.registries) > 0
	v := {
		"check": "unapproved",
		"path": images.path(container),
		"detail": {
			"container": container.name,
			"image": container.image.raw,
			"registry": container.image.registry,
			"registries": params.registries,
		},
	}
}

approved(image) if {
	name := concat("/", [image.registry, image.repository])
	some pattern in params.registries
	below(trim_suffix(pattern, "/"), name)
}

# Literal names first: a glob is compiled anew for each image.
below(pattern, name) if {
	name == pattern
} else if {
	startswith(name, concat("", [pattern, "/"]))
} else if {
	globs.special(pattern)
	some ending in ["", "/**"]
	glob.match(concat("", [pattern, ending]), [".", "/"], name)
}
