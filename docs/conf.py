"""The site: `make docs`. Sphinx reads the Markdown pages as they stand in the repository, and the docstrings."""

import re
from typing import Generic, TypeVar

import numpy.typing


class NDArray(Generic[TypeVar("Scalar")]):
    """Stands for its namesake, so that signatures show the name and not what is behind it."""


NDArray.__module__ = "numpy.typing"
numpy.typing.NDArray = NDArray
numpy.typing.ArrayLike = type("ArrayLike", (), {"__module__": "numpy.typing"})

import lmn_music  # noqa: E402

project = "lmn-music"
author = "The lmn-music maintainers"
project_copyright = author
version = release = lmn_music.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "README"
# The source is the whole repository, so that links between pages are the same here and in a checkout.
include_patterns = ["docs/**.md", "studies/*.md", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
exclude_patterns = [".*", "runs", "site", "dist", "tests", "checkpoints", "data"]
html_theme = "furo"
html_title = "lmn-music"
html_copy_source = False
html_show_sphinx = False

myst_heading_anchors = 4
smartquotes = False  # A' is a matrix
napoleon_use_ivar = True
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
default_role = "code"
add_module_names = False
# What other packages document is not looked up, that would need the network; private bases are not documented.
nitpick_ignore_regex = [(r"py:.*", r"(?!lmn_music).*"), (r"py:.*", r".*\._\w+")]


# The README is the start page; this is added at its end, for the table of contents.
CONTENTS = """
```{toctree}
:hidden:
:caption: Guide
docs/guide
docs/files
docs/music
docs/studio
docs/tutorial
```
```{toctree}
:hidden:
:caption: Pages
docs/results
docs/memory
docs/tied
docs/performance
docs/scale
docs/architecture
docs/reliability
SECURITY
CONTRIBUTING
CHANGELOG
```
```{toctree}
:hidden:
:caption: Reference
docs/reference/api
docs/reference/memory
docs/reference/networks
docs/reference/models
docs/reference/music
docs/reference/training
```
```{toctree}
:hidden:
:glob:
:caption: Studies
studies/*
```
"""


def _contents(app, docname, source):  # noqa: ARG001
    if docname == root_doc:
        source[0] += CONTENTS


def _plain_text(app, what, name, obj, options, lines):  # noqa: ARG001
    """Let docstrings be plain text: indented blocks and examples are shown as they stand, the bars of |x| are bars."""
    shown, section, block, indent = [], "", False, ""
    for before, line in zip(["", *lines], lines, strict=False):
        if line and not line.startswith(" "):
            section, block, indent = line if re.fullmatch(r"[A-Z]\w+:", line) else "", False, ""
        elif line and not block and (section == "Example:" or (not section and not before)):
            block = True
            if not line.lstrip().startswith(">>>"):  # those are shown as they stand anyway
                indent = "    " if section else ""
                shown += [indent + "::", ""]
        shown.append(indent + line if block else _escaped(line))
    lines[:] = shown


def _escaped(line):
    parts = line.split("`")
    parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
    return "`".join(parts)


def _learned_attributes(app, what, name, obj, options, lines):  # noqa: ARG001
    r"""Keep the last character of `A_`, which reStructuredText would take for a link."""
    lines[:] = [re.sub(r"^:(ivar|vartype) (\w+)_:", r":\1 \2\\_:", line) for line in lines]


def setup(app):
    """Change pages when they are read, and docstrings before and after napoleon (priority 500) reads their sections."""
    app.connect("source-read", _contents)
    app.connect("autodoc-process-docstring", _plain_text, priority=400)
    app.connect("autodoc-process-docstring", _learned_attributes, priority=600)
