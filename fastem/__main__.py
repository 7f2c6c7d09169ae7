"""`python -m fastem`: the command line."""

from fastem.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
