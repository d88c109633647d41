"""``python -m perdure.cli``: the command, where its script is not on the path."""

import sys

from perdure.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
