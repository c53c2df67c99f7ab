package karb.waivers.waiver_invalid_test

import data.karb.waivers.waiver_invalid

# Raised in Python: a rule here would be a second, silent implementation.
test_rego_answers_nothing if not waiver_invalid.violations
