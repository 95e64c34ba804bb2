"""The floors of the house: a file imports from its own floor or below, never from above, and never in a circle.

Every import counts, also one inside a function or under TYPE_CHECKING.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import lmn_music

HOUSE = Path(lmn_music.__file__).parent.parent
FLOORS = [
    {"version", "errors", "files", "words", "lazy", "resources", "allocator", "processes", "music", "memory"},
    {"formats", "corpora", "models"},
    {"training", "evaluation", "generation"},
    {"api"},
    {"cli", "studio", "__init__", "__main__"},
    {"studies"},
]
WAY_IN = "lmn_music.cli.experiment"  # the one file that imports from above: it is how a command reaches the studies


def module_of(path):
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for room in ("lmn_music", "studies") for path in sorted((HOUSE / room).rglob("*.py"))}


def imports_of(source, module="a test"):
    """Yield the modules of the house that a program imports, each as the file that it means."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in FILES else node.module for name in inner]
        for name in names:
            if name.partition(".")[0] in ("lmn_music", "studies"):
                assert name in FILES, f"{module} imports {name}, which is no file"
                yield name


GRAPH = {module: set(imports_of(path.read_text(), module)) for module, path in FILES.items()}


def room_of(module):
    first, *rest = module.split(".")
    return "studies" if first == "studies" else rest[0] if rest else "__init__"


def floor(module):
    return next(number for number, rooms in enumerate(FLOORS) if room_of(module) in rooms)


@pytest.mark.parametrize("module", FILES)
def test_imports_go_down(module):
    room = room_of(module)
    for imported in GRAPH[module]:
        other = room_of(imported)
        assert floor(imported) <= floor(module) or (module, other) == (WAY_IN, "studies"), f"it imports {imported}"
        if room in ("memory", "models"):
            assert other != "corpora"
        if room == "memory":
            assert other in ("memory", "errors"), "the memory knows nothing of music"
        if room == "studies":
            assert other not in ("cli", "__init__", "__main__")


def test_nothing_is_imported_in_a_circle():
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail("a circle: " + " <- ".join(error.args[1]))


def test_an_import_inside_a_function_closes_a_circle():
    program = "def f():\n    from lmn_music.music import notes\n    from lmn_music.corpora import Corpus\n"
    assert set(imports_of(program)) == {"lmn_music.music.notes", "lmn_music.corpora"}
    graph = GRAPH | {"lmn_music.music.notes": {"lmn_music.corpora"}}
    with pytest.raises(CycleError):
        TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("module", [module for module in FILES if room_of(module) in ("cli", "studio")])
def test_commands_call_the_api(module):
    """A command parses, calls the api and prints; the studio answers a page in the same way."""
    assert not {room_of(name) for name in GRAPH[module]} & {"training", "evaluation", "generation", "models"}


@pytest.mark.parametrize("module", FILES)
def test_files_stay_short(module):
    assert len(FILES[module].read_text().splitlines()) <= 250


@pytest.mark.parametrize("module", [module for module in FILES if module.startswith("lmn_music.")])
def test_every_file_is_on_the_page(module):
    """The row of a file's room in docs/architecture.md names the file."""
    if FILES[module].name.startswith("__"):
        return
    page = (HOUSE / "docs" / "architecture.md").read_text()
    *rooms, name = module.split(".")[1:]
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    (row,) = [line for line in rows if (f"`{'/'.join(rooms)}/`" if rooms else "`errors`") in line.split("|")[2]]
    assert f"`{name}`" in row
