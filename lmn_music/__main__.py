"""`python -m lmn_music` is the command lmn-music."""

from lmn_music.cli.main import app

app(prog_name="lmn-music")
