"""What benchmarks have measured, as JSON: an entry in a line, so that a difference shows what was measured anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lmn_music.files import replacing


def read_json(path: Path) -> dict[str, Any]:
    """Return the entries of a file; none if there is no file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_json(path: Path, entries: Mapping[str, Any]) -> None:
    """Write entries in their order, in few characters."""
    lines = (f"{json.dumps(name)}:{json.dumps(entry, separators=(',', ':'))}" for name, entry in entries.items())
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
