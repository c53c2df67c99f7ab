"""``python -m karb_guard``."""

import sys

from karb_guard.cli.main import main

sys.exit(main())
