"""The site: `make docs`. Sphinx reads the Markdown pages as they stand in the repository, and the docstrings."""

import re

import lmn_music

project = "lmn-music"
author = "The lmn-music maintainers"
project_copyright = author
version = release = lmn_music.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
# The source is the whole repository, so that links between pages are the same here and in a checkout.
include_patterns = ["docs/**.md", "studies/*.md", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
exclude_patterns = [".*", "runs", "site", "dist", "tests", "checkpoints", "data"]
html_theme = "furo"
html_title = "lmn-music"
html_copy_source = False
html_show_sphinx = False

myst_heading_anchors = 4
napoleon_use_ivar = True
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
default_role = "code"
add_module_names = False
# What other packages document is not looked up, that would need the network; private bases are not documented.
nitpick_ignore_regex = [(r"py:.*", r"(?!lmn_music).*"), (r"py:.*", r".*\._\w+")]


def _formulas(app, what, name, obj, options, lines):  # noqa: ARG001
    """Let docstrings be plain text: an indented block is shown as it stands, and the bars of |x| are bars."""
    shown, section, block = [], False, False
    for number, line in enumerate(lines):
        if line and not line.startswith(" "):
            section, block = re.fullmatch(r"[A-Z]\w+:", line) is not None, False
        elif line and not section and not block and number and not lines[number - 1]:
            shown += ["::", ""]
            block = True
        parts = line.split("`")
        parts[::2] = [part if block else part.replace("|", r"\|") for part in parts[::2]]
        shown.append("`".join(parts))
    lines[:] = shown


def setup(app):
    """Change docstrings before napoleon reads their sections."""
    app.connect("autodoc-process-docstring", _formulas, priority=400)
