# METADATA
# title: Nobody verified the signature of an image
# description: |-
#   A digest says that every replica runs the same bytes, a signature says whose bytes they are.
#   Without one, whoever may push to the registry decides what runs beside the weights and on the
#   GPUs. Verifying takes a registry and a transparency log, which admission may not wait for: a
#   pipeline or a scheduled job verifies, and records it in ConfigMaps labelled
#   karb.dev/signature-evidence: "true" (key `sha256-<hex>` of the image's digest; value
#   `identity: ...` and `date: ...`, or the same as JSON). Only those in `namespaces` count, since
#   whoever may write them may vouch for any image: guard them with RBAC. An image without a digest
#   has no evidence. Where no evidence is visible at all, the invariant does not decide.
# related_resources:
# - ref: https://docs.sigstore.dev/cosign/verifying/verify/
#   description: Verifying signatures with cosign
# - ref: https://kubernetes.io/docs/tasks/administer-cluster/verify-signed-artifacts/
#   description: Verify signed Kubernetes artifacts
# custom:
#   id: KARB-IMG-004
#   severity: warning
#   since: 0.1.0
#   paper: IV. Governance and safety invariants
#   match: [pods]
#   context: [signatures]
#   optIn: true
#   identity: value
#   params:
#     namespaces:
#       type: array
#       items: {type: string, minLength: 1}
#       description: Namespaces whose evidence counts.
#       default: [karb-guard]
#     identities:
#       type: array
#       items: {type: string, format: glob, minLength: 1}
#       description: Who is trusted to have verified (globs).
#       default: ["*"]
#     maxAgeDays:
#       type: integer
#       minimum: 1
#       description: Days for which evidence holds.
#       default: 90
#   checks:
#     unverified: '{holder}: no evidence from a trusted party says that somebody verified the signature of image {image}'
#     stale: '{holder}: the signature of image {image} was last verified on {date}, more than {days} days ago'
#     undigested: '{holder}: image {image} has no digest, so that no signature of it can be known'
#   remediation: |-
#     Verify the image, in the pipeline that deploys or in a CronJob:
#
#       cosign verify --certificate-identity=... --certificate-oidc-issuer=... <image>@sha256:<hex>
#
#     and record that it was verified:
#
#       apiVersion: v1
#       kind: ConfigMap
#       metadata:
#         name: verified-llm
#         namespace: karb-guard
#         labels:
#           karb.dev/signature-evidence: "true"
#       data:
#         sha256-<hex>: |
#           identity: release-pipeline@example.com
#           date: 2026-11-20
package karb.images.img_sig

import data.karb.lib.dates
import data.karb.lib.globs
import data.karb.lib.images

params := input.params["img-sig"]

violations contains v if {
	not visible
	count(used) > 0
	v := {
		"check": "unverified",
		"path": ["metadata", "name"],
		"detail": {},
		"unknown": "no evidence of signatures is visible here",
	}
}

violations contains v if {
	visible
	some [path, holder, image, digest] in used
	some [check, more] in verdicts(digest)
	v := {
		"check": check,
		"path": path,
		"detail": object.union({"holder": holder, "image": image, "days": params.maxAgeDays}, more),
	}
}

visible if {
	some namespace in input.context.signatures.namespaces
	namespace in params.namespaces
}

# Path, holder, reference and digest (or null) of every image.
used contains [images.path(container), holder, container.image.raw, container.image.digest] if {
	some container in images.named
	container.image.error == null
	holder := concat(" ", [container.role, "container", container.name])
}

used contains [path, holder, reference, digest] if {
	some pod in input.pods
	some i, volume in pod.spec.volumes
	reference := volume.image.reference
	digest := array.concat(array.slice(split(reference, "@"), 1, 2), [null])[0]
	path := array.concat(pod.path, ["volumes", i, "image", "reference"])
	holder := concat(" ", ["volume", object.get(volume, "name", "")])
}

verdicts(null) := [["undigested", {}]]

verdicts(digest) := [["unverified", {}]] if {
	digest != null
	count(days(digest)) == 0
} else := [["stale", {"date": last[1]}]] if {
	digest != null
	last := max(days(digest))
	today - last[0] > params.maxAgeDays
}

today := dates.number(input.today)

# The days on which somebody trusted verified it; none of the future.
days(digest) := {[day, entry.date] |
	some entry in input.context.signatures.evidence[digest]
	entry.namespace in params.namespaces
	day := dates.number(entry.date)
	day <= today
	globs.any_of(params, "identities", entry.identity)
}
