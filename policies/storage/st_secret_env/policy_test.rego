package karb.storage.st_secret_env_test

import data.karb.lib.build
import data.karb.storage.st_secret_env

params := {
	"names": ["TOKEN", "API_KEY", "PASSWORD"],
	"ignored": ["*EOS_TOKEN"],
	"placeholders": ["empty", "your[-_ ]*"],
}

answers(env) := found if {
	pod := build.pod({"containers": [build.container({"role": "init", "spec": {"env": env}})]})
	found := st_secret_env.violations with input as build.document({"st-secret-env": params}, [pod])
}

reported(name, value) if count(answers([{"name": name, "value": value}])) == 1

test_a_literal_is_reported_without_its_value if {
	answers([{"name": "A", "value": "b"}, {"name": "HF_TOKEN", "value": "hf_abcdefgh"}]) == {{
		"check": "literal",
		"path": ["spec", "template", "spec", "containers", 0, "env", 1, "name"],
		"detail": {"container": "server", "role": "init", "variable": "HF_TOKEN"},
	}}
}

test_names if {
	every name in ["TOKEN", "token", "hf_token", "OPENAI_API_KEY", "DB_PASSWORD"] {
		reported(name, "s3cr3t")
	}
	every name in ["MAX_TOTAL_TOKENS", "TOKENIZER", "APITOKEN", "TOKEN_LIMIT", "EOS_TOKEN", "MY_EOS_TOKEN", "PASSWORD_FILE"] {
		not reported(name, "s3cr3t")
	}
}

test_values_that_are_no_secret if {
	every value in ["", " ", "EMPTY", "your-token", "YOUR_TOKEN", "$(OTHER)", "${HF_TOKEN}", "$HF_TOKEN", "<token>", "{{ .Values.token }}", "4096", "0.5"] {
		not reported("HF_TOKEN", value)
	}
	reported("HF_TOKEN", "0f3a91")
	reported("DB_PASSWORD", "123456")
	reported("HF_TOKEN", "<a")
	reported("DB_PASSWORD", "$ecr3t!")
}

test_a_reference_is_what_it_should_be if {
	answers([{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hf", "key": "token"}}}]) == set()
	answers([{"name": "HF_TOKEN"}]) == set()
}
