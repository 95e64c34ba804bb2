"""The models that the page offers, each loaded once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music import api
from lmn_music.errors import CheckpointError

if TYPE_CHECKING:
    from lmn_music import Checkpoint

RUN = "run "  # "run mine" is what a page calls the run folder `mine`


class Models:
    """The shipped models, and those of the run folders. No other file can be named by a page.

    Args:
        runs: the folder of the run folders.
        device: see `resolve_device`.
    """

    def __init__(self, runs: Path, device: str) -> None:
        self.runs, self.device = runs, device
        self._loaded: dict[str, tuple[float, Checkpoint]] = {}
        self._lock = threading.Lock()

    def option(self, name: str) -> str:
        """Return what a command calls a model, seen from the folder in which the run folders are.

        Args:
            name: see `get`.
        """
        if not name.startswith(RUN):
            return name
        return f"{self.runs.name}/{name.removeprefix(RUN)}/last.safetensors"

    def get(self, name: str) -> Checkpoint:
        """Return a model; one of a run folder as it is now.

        Args:
            name: "jsb" or another shipped model, or "run mine".

        Raises:
            CheckpointError: there is no such model, or not yet.
        """
        path: str | Path = name
        changed = 0.0
        if name.startswith(RUN):
            path = api.last_checkpoint(self.runs, name.removeprefix(RUN))
            changed = path.stat().st_mtime
        elif name not in api.shipped_models():
            raise CheckpointError(f"there is no model {name[:100]!r}: choose one of the list")
        with self._lock:
            known = self._loaded.get(name)
            if known is None or known[0] != changed:
                loaded = api.load_model(path, device=self.device)
                self._loaded[name] = known = (changed, loaded)
        return known[1]
