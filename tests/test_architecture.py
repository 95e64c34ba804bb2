"""The floors of the house: a file imports from its own floor or below, never from above."""

import ast
from pathlib import Path

import pytest

import lmn_music

PACKAGE = Path(lmn_music.__file__).parent
FLOORS = [
    {"__init__", "music", "errors", "files", "resources", "allocator", "memory"},
    {"corpora", "models", "formats"},
    {"training", "evaluation", "generation"},
    {"cli"},
]
FILES = sorted(path for path in PACKAGE.rglob("*.py"))


def floor(room):
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def room_of(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module]
            if node.module == "lmn_music":
                names = [f"lmn_music.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "lmn_music":
                room = parts[1] if len(parts) > 1 else "__init__"
                yield room if (PACKAGE / room).exists() or (PACKAGE / f"{room}.py").exists() else "__init__"


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_imports_go_down(path):
    room = room_of(path)
    for imported in imported_rooms(path):
        assert floor(imported) <= floor(room), f"{room} imports {imported}"
        if room in ("memory", "models"):
            assert imported != "corpora"
        if room == "memory":
            assert imported in ("memory", "errors", "__init__"), "the memory knows nothing of music"


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_files_stay_short(path):
    assert len(path.read_text().splitlines()) <= 400
