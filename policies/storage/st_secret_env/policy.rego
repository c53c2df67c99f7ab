# METADATA
# title: A token or password is written into the manifest
# description: |-
#   The token that pulls a gated model, the key of the inference API or the password of the model
#   store stands in `env` as plain text. Everybody who may read the Deployment reads it, far more
#   people than may read Secrets; it is in Git, in the Helm release, in every backup of etcd and
#   every `kubectl describe` pasted into a ticket, and replacing it restarts the GPU pods. A Secret
#   is read by name, can be guarded and can be replaced. Told by the variable's name (its end:
#   `HF_TOKEN`, `OPENAI_API_KEY`); values that are empty, a placeholder, a reference to another
#   variable (`$(HF_TOKEN)`, `$HF_TOKEN`) or, under a name like MAX_TOKEN, a number are no secret.
#   Values are never shown in messages.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/configuration/secret/
#   description: Secrets
# - ref: https://kubernetes.io/docs/tasks/inject-data-application/distribute-credentials-secure/
#   description: Distribute credentials securely using Secrets
# custom:
#   id: KARB-ST-006
#   severity: error
#   since: 0.1.0
#   match: [pods]
#   params:
#     names:
#       type: array
#       items: {type: string, minLength: 1}
#       description: What the names of such variables are, or end with after an underscore; in upper case, which variables are compared in.
#       default: [TOKEN, API_KEY, APIKEY, PASSWORD, SECRET_KEY, SECRET_ACCESS_KEY]
#     ignored:
#       type: array
#       items: {type: string, format: glob, minLength: 1}
#       description: Variables that end so and hold no secret (globs, in upper case); tokens here are those of a text.
#       default: [MAX_TOKEN, "*_MAX_TOKEN", MIN_TOKEN, "*PER_TOKEN", "*BOS_TOKEN", "*EOS_TOKEN", "*PAD_TOKEN", "*UNK_TOKEN", "*STOP_TOKEN", "*MASK_TOKEN"]
#     placeholders:
#       type: array
#       items: {type: string, format: glob, minLength: 1}
#       description: Values that stand for one to be filled in, or for none (globs, in lower case); so do `<...>` and `{{...}}`.
#       default: [none, "null", nil, empty, unset, dummy, dummy-*, fake, fake-*, "true", "false", "yes", "no", not-needed, not-used, unused, placeholder*, "*placeholder", redacted, todo*, xxx*, "your[-_ ]*", "*[-_]your[-_]*", replace*, insert*]
#   checks:
#     literal: '{role} container {container} holds the value of {variable} in plain text'
#   remediation: |-
#     Put the value into a Secret and let the variable point to it:
#
#       env:
#         - name: HF_TOKEN
#           valueFrom:
#             secretKeyRef:
#               name: hf-token
#               key: token
#
#     Better still, mount it as a file, or use the identity of the service account. A value that
#     was in a manifest is known: replace it at the issuer, too.
package karb.storage.st_secret_env

import data.karb.lib.globs

params := input.params["st-secret-env"]

# The path is that of the name: reports show the line, and the value need not be in them.
violations contains v if {
	some pod in input.pods
	some container in pod.containers
	some i, variable in container.spec.env
	value := variable.value
	name := upper(variable.name)
	secret(name)
	not harmless(name, lower(trim_space(value)))
	v := {
		"check": "literal",
		"path": array.concat(container.path, ["env", i, "name"]),
		"detail": {"container": container.name, "role": container.role, "variable": variable.name},
	}
}

secret(name) if {
	some ending in params.names
	endswith(name, ending)
	name in {ending, concat("_", [trim_suffix(name, concat("", ["_", ending])), ending])}
	not globs.any_of(params, "ignored", name)
}

harmless(_, "")

harmless(_, value) if contains(value, "$(")

# What a shell or `envsubst` fills in before the manifest is applied.
harmless(_, value) if regex.match(`^\$(\{.*|[a-z_][a-z0-9_]*)$`, value)

harmless(_, value) if {
	some [left, right] in [["<", ">"], ["{{", "}}"]]
	startswith(value, left)
	endswith(value, right)
}

# A count of tokens; a password may well be a number.
harmless(name, value) if {
	endswith(name, "TOKEN")
	regex.match(`^[0-9.]+$`, value)
}

harmless(_, value) if globs.any_of(params, "placeholders", value)
