# METADATA
# title: An image has a floating tag
# description: |-
#   A tag such as `latest` or `nightly` names whatever was pushed last. Two replicas of one
#   Deployment then run different servers, a node failure at night becomes an upgrade that no one
#   asked for, and a rollback brings back the same broken image. Serving images change CUDA
#   versions and flags between builds: a scale-out during a traffic peak is the worst moment to
#   learn that. A reference without a tag means `latest`. A digest pins the content, so with one
#   any tag is only a comment. Version streams such as `v1` or `3.11` move too, but can't be told
#   from a release by their looks.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/containers/images/#image-names
#   description: Image names, tags and digests
# custom:
#   id: KARB-IMG-002
#   severity: error
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   identity: value
#   params:
#     floating:
#       type: array
#       items: {type: string, format: glob, minLength: 1}
#       description: |-
#         Tags that move, in lower case, as globs (`*` stands for anything); an image's tag is
#         compared in lower case. The defaults are names under which publishers push again and
#         again: the newest release, a branch, a build of the day, a channel.
#       default: [latest, latest-*, "*-latest", "*_latest", nightly, "nightly-{cpu,gpu,cu???,py???-cpu,py???-gpu}", "*-nightly", main, "*-main", "*_main", master, "*-master", trunk, mainline, head, dev, devel, develop, development, edge, bleeding, canary, stable, unstable, testing, rolling, snapshot, current, next, preview, experimental, lts, alpha, beta, rc, release]
#   checks:
#     floating: 'container {container}: tag {tag} of image {image} moves; name a release or a digest'
#     missing: 'container {container}: image {image} has neither tag nor digest, which means the tag latest'
#     unparsable: 'container {container}: image "{image}" can not be read ({problem}); the kubelet will not start it'
#   remediation: |-
#     Name the release that you tested, and better its digest as well:
#
#       image: registry.example.com/ml/vllm-openai:v0.11.0@sha256:<digest>
#
#     `crane digest <image>` or `docker buildx imagetools inspect <image>` print the digest that a
#     tag has now. Let a bot (Renovate, Dependabot) propose newer ones.
package karb.images.img_tag

import data.karb.lib.globs
import data.karb.lib.images

params := input.params["img-tag"]

violations := images.unparsable | unpinned

unpinned contains v if {
	some container in images.named
	not is_string(container.image.error)
	not pinned(container.image)
	some [check, detail] in moving(container.image)
	v := {
		"check": check,
		"path": images.path(container),
		"detail": object.union({"container": container.name, "image": container.image.raw}, detail),
	}
}

pinned(image) if is_string(image.digest)

moving(image) := [["floating", {"tag": image.tag}]] if {
	is_string(image.tag)
	floats(lower(image.tag))
}

moving(image) := [["missing", {}]] if not tagged(image)

floats(tag) if globs.any_of(params, "floating", tag)

tagged(image) if is_string(image.tag)
