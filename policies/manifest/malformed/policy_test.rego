package karb.manifest.malformed_test

import data.karb.manifest.malformed

# Raised in Python: a rule here would be a second, silent implementation.
test_rego_answers_nothing if not malformed.violations
