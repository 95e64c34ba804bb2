"""Where the package keeps the files that are no code: shipped data and trained checkpoints."""

from pathlib import Path
from typing import Literal

from lmn_music.errors import LmnMusicError

_PACKAGE = Path(__file__).resolve().parent


def resource(folder: Literal["data", "checkpoints"], name: str) -> Path:
    """Return the path of a shipped file.

    A wheel carries the folders inside the package; in a checkout (editable install) they stand beside it.

    Args:
        folder: the folder of the file.
        name: the name of the file.

    Raises:
        LmnMusicError: this copy of the package lacks the file.
    """
    for base in (_PACKAGE, _PACKAGE.parent):
        path = base / folder / name
        if path.exists():
            return path
    raise LmnMusicError(f"this installation lacks its file {folder}/{name}: install lmn-music again")
