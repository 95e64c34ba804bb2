"""What commands print: names and titles come from strangers, and no terminal obeys what is printed here."""

from __future__ import annotations

import typer

from lmn_music.files import printable


def say(text: str = "", *, err: bool = False, nl: bool = True, bold: bool | None = None) -> None:
    """Print text, with a question mark for each character that a terminal would obey but for ends of lines.

    Args:
        text: one line or several.
        err: whether to print on the standard error.
        nl: whether the text ends a line.
        bold: whether to print it bold on a terminal.
    """
    typer.secho("\n".join(map(printable, text.split("\n"))), err=err, nl=nl, bold=bold)


def note(text: str) -> None:
    """Print a warning that nobody should miss.

    Args:
        text: the warning.
    """
    say(f"NOTE: {text}", err=True, bold=True)
