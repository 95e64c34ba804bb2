"""The oldest versions that pyproject.toml allows, as constraints for pip: `make test-lowest` uses them."""

import re
import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).resolve().parent.parent / "pyproject.toml").read_text())["project"]
wanted = {*project["dependencies"], *project["optional-dependencies"]["dev"]}
sys.stdout.writelines(sorted(re.sub(">=", "==", line) + "\n" for line in wanted))
