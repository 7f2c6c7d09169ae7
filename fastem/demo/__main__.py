"""`python -m fastem.demo --out DIR` is `fastem demo --out DIR`."""

import sys

from fastem.cli import main

sys.exit(main(["demo", *sys.argv[1:]]))
