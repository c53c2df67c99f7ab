package karb.waivers.waiver_expired_test

import data.karb.waivers.waiver_expired

# Raised in Python: a rule here would be a second, silent implementation.
test_rego_answers_nothing if not waiver_expired.violations
