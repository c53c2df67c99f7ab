package karb.lib.pss_baseline

import data.karb.lib.pss_policy

# The minor version of the standard to judge by. Rules ask for it last where they can, so that a
# clean pod costs nothing.
minor := pss_policy.minor(input.params["pss-baseline"])
