"""`--hear`: the result is played by a program of the system, or a line says what to install."""

from pathlib import Path

import pytest
from scipy.io import wavfile

from lmn_music import api, read_piece, synthesize
from lmn_music.errors import RenderingError
from lmn_music.formats.sampler import SAMPLE_RATE
from tests.cli.helpers import lmn_music

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "frere-jacques.musicxml"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found. There is no sound card where tests run, so players are scripts."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def install(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_what_was_composed_is_played(programs: Path) -> None:
    install(programs, "aplay", '[ "$1" = -q ] && /bin/cp "$2" played.wav')
    lmn_music("generate", "--bars", "2", "--seed", "1", "--hear", "--out", "song.wav")
    assert Path("played.wav").read_bytes() == Path("song.wav").read_bytes()


def test_no_file_needs_to_be_written(programs: Path) -> None:
    install(programs, "play", '/bin/cp "$2" played.wav')
    assert "wrote" not in lmn_music("harmonise", SAMPLE, "--seed", "1", "--hear")
    rate, sound = wavfile.read("played.wav")
    assert rate == SAMPLE_RATE
    assert len(sound) / rate > 15  # eight bars at 112 quarters a minute
    assert not [*Path().glob("*.mid")]


def test_where_one_program_cannot_play_the_next_one_does(programs: Path) -> None:
    install(programs, "paplay", "echo 'no server' >&2; exit 1")
    install(programs, "ffplay", 'for last; do :; done; /bin/cp "$last" played.wav')
    piece = read_piece(SAMPLE)
    api.hear(piece)
    _, sound = wavfile.read("played.wav")
    assert len(sound) == len(synthesize(piece))
    install(programs, "ffplay", "echo first >&2; echo 'no sound card' >&2; exit 1")
    with pytest.raises(RenderingError, match=r"^ffplay cannot play here \(no sound card\): write a \.wav"):
        api.hear(piece)
    install(programs, "ffplay", "exit 3")
    with pytest.raises(RenderingError, match="it ended with code 3"):
        api.hear(piece)


def test_what_to_install_is_said_before_anything_is_composed(programs: Path) -> None:
    printed = lmn_music("generate", "--hear", "--out", "song.mid", code=1)
    assert "nothing here can play sound: install alsa-utils (aplay)" in printed
    assert not Path("song.mid").exists()
    assert not [*programs.iterdir()]


def test_neither_a_file_nor_sound_is_refused(programs: Path) -> None:
    for command in (["generate"], ["harmonise", str(SAMPLE)], ["rewrite", str(SAMPLE), "--bars", "1:2"]):
        assert "give --out, a file, or --hear" in lmn_music(*command, code=2)
    assert not [*programs.iterdir()]
