"""Hearing songs and pieces: their sound, played by a program that the system has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lmn_music.errors import RenderingError
from lmn_music.formats.registry import TEMPO

if TYPE_CHECKING:
    from lmn_music.music.pianoroll import PianoRoll
    from lmn_music.music.piece import Piece

# Programs that play a .wav file and then end: of PipeWire, PulseAudio, ALSA, macOS, SoX, FFmpeg, mpv and VLC.
PLAYERS: dict[str, tuple[str, ...]] = {
    "pw-play": (),
    "paplay": (),
    "aplay": ("-q",),
    "afplay": (),
    "play": ("-q",),
    "ffplay": ("-nodisp", "-autoexit", "-loglevel", "error"),
    "mpv": ("--no-video", "--really-quiet"),
    "cvlc": ("--play-and-exit", "--quiet"),
}


def hear(song: Piece | PianoRoll, *, tempo: float = TEMPO, repeat_notes: bool = False) -> None:
    """Play a song or a piece, with the sound of a .wav file, until it has ended.

    Args:
        song: what is played.
        tempo: quarter notes per minute of a roll; a piece says its own.
        repeat_notes: whether a key of a roll that sounds in consecutive frames is struck anew in each of them.

    Raises:
        RenderingError: no program is there that plays sound, or none of them could; or the sound would last more than
            an hour.
        UsageError: the tempo is out of range.
    """
    from lmn_music.formats import write_piece
    from lmn_music.music.performing import perform
    from lmn_music.music.pianoroll import PianoRoll

    players = find_players()
    piece = perform(song, tempo=tempo, repeat_notes=repeat_notes) if isinstance(song, PianoRoll) else song
    with TemporaryDirectory() as folder:
        sound = Path(folder) / "song.wav"
        write_piece(piece, sound)
        said = ""
        for player in players:
            done = subprocess.run(  # noqa: S603 -- a program of the system, and a file of our own
                [player, *PLAYERS[Path(player).stem], str(sound)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            if done.returncode == 0:
                return
            said = (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1]
    raise RenderingError(f"{Path(players[-1]).stem} cannot play here ({said}): write a .wav, and play it elsewhere")


def find_players() -> list[str]:
    """Return the programs on this machine that can play sound.

    Raises:
        RenderingError: there is none.
    """
    found = [path for name in PLAYERS if (path := shutil.which(name))]
    if not found:
        raise RenderingError(
            "nothing here can play sound: install alsa-utils (aplay), sox (play) or ffmpeg (ffplay), or write a .wav"
        )
    return found
