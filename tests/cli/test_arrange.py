"""`lmn-music harmonise`, `continue`, `rewrite`, and the constraints of `generate`."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lmn_music import read_piece, read_score, write_piece
from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.piece import KeySignature, Piece, Tempo
from tests.cli.helpers import lmn_music

PITCHES = (69, 74, 73, 74, 76, 78, 76, 74, 73, 74)
LENGTHS = (1, 2, 1, Fraction(1, 3), Fraction(2, 3), 1, 3, Fraction(1, 2), Fraction(1, 2), 2)


@pytest.fixture
def tune():
    """Give a file of a tune in D major, 3/4, with a pickup, a triplet and a second voice below."""
    notes, now = [], Fraction(0)
    for pitch, length in zip(PITCHES, LENGTHS, strict=True):
        notes.append(Note(pitch, now, now + length))
        now += length
    bass = tuple(Note(pitch, Fraction(t), Fraction(t + 3)) for pitch, t in ((50, 1), (45, 4), (47, 7)))
    piece = Piece(
        (Part(tuple(notes), "Flute", program=73), Part(bass, "Bass", program=32)),
        tempos=(Tempo(Fraction(0), 72.0),),
        metres=(Metre(Fraction(0), 3, 4),),
        key_signatures=(KeySignature(Fraction(0), 2, "major"),),
        pickup=Fraction(1),
    )
    write_piece(piece, "tune.mid")
    return Path("tune.mid")


def parts_of(name):
    return {part.name: part.notes for part in read_piece(name).parts}


def test_harmonise_keeps_the_melody_on_a_track_of_its_own(tune):
    output = lmn_music("harmonise", tune, "--out", "song.mid", "--seed", 3)
    assert output.startswith("D major, read by jsb ")
    assert "in C major; seed 3; notes: Melody " in output
    assert output.endswith("wrote song.mid\n")
    before, after = read_piece(tune), read_piece("song.mid")
    assert list(parts_of("song.mid"))[1:] == ["Alto", "Tenor", "Bass"]
    assert [note[:3] for note in after.parts[0].notes] == [note[:3] for note in before.parts[0].notes]
    assert (after.tempos, after.metres, after.pickup) == (before.tempos, before.metres, before.pickup)


def test_continue_keeps_every_note_to_the_tick(tune):
    output = lmn_music("continue", tune, "--bars", 2, "--out", "more.mid", "--out", "more.png", "--seed", 5)
    assert "seed 5; notes: Flute " in output
    before, after = read_piece(tune), read_piece("more.mid")
    for part, longer in zip(before.parts, after.parts, strict=True):
        assert longer.notes[: len(part.notes)] == part.notes
        assert (longer.name, longer.program) == (part.name, part.program)
    assert after.length == before.length + 2 * 3
    assert after.tempos == before.tempos
    assert Path("more.png").stat().st_size > 1000


def test_continue_writes_the_new_bars_alone(tune):
    lmn_music("continue", tune, "--bars", 2, "--out", "whole.mid", "--seed", 5)
    lmn_music("continue", tune, "--bars", 2, "--out", "new.mid", "--seed", 5, "--only-new")
    whole, new = read_piece("whole.mid").after(read_piece(tune).end), read_piece("new.mid")
    assert new.length == 6
    assert [part.notes for part in new.parts] == [part.notes for part in whole.parts]


def test_the_best_continuations_are_numbered_by_rank(tune):
    arguments = ["continue", tune, "--bars", 2, "--seed", 5]
    output = lmn_music(*arguments, "--count", 3, "--best", 2, "--out", "b.mid")
    assert sorted(path.name for path in Path().glob("b-*.mid")) == ["b-1.mid", "b-2.mid"]
    seed = output.partition("rank 2 of 3: seed ")[2].partition(":")[0]
    lmn_music("continue", tune, "--bars", 2, "--seed", seed, "--out", "again.mid")
    assert Path("again.mid").read_bytes() == Path("b-2.mid").read_bytes()


def test_rewrite_leaves_everything_else(tune):
    lmn_music("rewrite", tune, "--bars", "2:2", "--out", "new.mid", "--out", "new.png", "--seed", 5)
    before, after = read_piece(tune), read_piece("new.mid")
    start, end = before.span(2, 2)

    def outside(piece):
        return {
            note
            for part in piece.parts
            for note in part.notes
            if note.onset < start or (note.onset >= end and not any(n.onset < end <= n.onset for n in part.notes))
        }

    assert outside(before) <= {note for part in after.parts for note in part.notes}


def test_rewrite_of_one_voice_leaves_the_others(tune):
    lmn_music("rewrite", tune, "--bars", "2:2", "--voice", 2, "--out", "voice.mid", "--seed", 5)
    assert parts_of("voice.mid")["Flute"] == parts_of(tune)["Flute"]
    lmn_music("rewrite", tune, "--bars", "2:2", "--below", "C4", "--out", "below.mid", "--seed", 5)
    assert parts_of("below.mid")["Flute"] == parts_of(tune)["Flute"]
    assert all(note.pitch < 60 for note in parts_of("below.mid").get("Bass", ()))


def test_the_same_seed_gives_the_same_file(tune):
    for name in ("one.mid", "same.mid"):
        lmn_music("continue", tune, "--bars", 1, "--out", name, "--seed", 2)
    assert Path("one.mid").read_bytes() == Path("same.mid").read_bytes()


def test_a_song_is_composed_within_limits():
    lmn_music("generate", "--bars", 4, "--voices", 3, "--range", "C4:G5", "--seed", 1, "--out", "song.npz")
    frames = read_score("song.npz", 1).frames
    assert (frames.sum(axis=1) == 3).mean() > 0.8
    keys = np.flatnonzero(frames.any(axis=0)) + 21
    assert keys.min() >= 60
    assert keys.max() <= 79
    lmn_music("generate", "--bars", 4, "--density", 2, "--seed", 1, "--out", "thin.npz")
    assert read_score("thin.npz", 1).frames.sum(axis=1).mean() < 3.4


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["harmonise", "nothing.mid"], 1, "there is no such file"),
        (["harmonise", "drums.mid"], 1, "no melody found"),
        (["harmonise", "tune.mid", "--voices", 1], 2, "--voices is a whole number from 2 to 8, not 1"),
        (["harmonise", "tune.mid", "--seed", 2**63], 2, "--seed is a whole number from 0 to"),
        (["harmonise", "tune.mid", "--model", "none"], 1, "there is no model"),
        (["continue", "tune.mid", "--bars", 0], 2, "--bars is a whole number from 1 to 1000, not 0"),
        (["continue", "drums.mid"], 1, "no notes found"),
        (["rewrite", "tune.mid", "--bars", "8:5"], 2, "there are no bars 8 to 5: the piece has bars 0 to 4"),
        (["rewrite", "tune.mid", "--bars", "3:9"], 2, "there are no bars 3 to 9"),
        (["rewrite", "tune.mid", "--bars", "3"], 2, "--bars is written as 5:8, not as '3'"),
        (["rewrite", "tune.mid", "--bars", "a:b"], 2, "--bars is two numbers such as 5:8, not 'a:b'"),
        (["rewrite", "tune.mid", "--bars", "1:2", "--voice", 3], 2, "there is no voice 3: the piece has 2 parts"),
        (["rewrite", "tune.mid", "--bars", "1:2", "--below", "H4"], 2, "'H4' is no key of the piano"),
        (["generate", "--range", "G5:C3"], 2, "--range goes from a lower to a higher key: G5:C3 does not"),
        (["generate", "--range", "G5"], 2, "--range is written as C3:G5, not as 'G5'"),
        (["generate", "--density", 0], 2, "--density is a number of keys above 0"),
        (["generate", "--density", "nan"], 2, "--density is a number of keys above 0"),
        (["generate", "--voices", 21], 2, "--voices is a whole number from 1 to 20, not 21"),
    ],
)
@pytest.mark.usefixtures("tune")
def test_what_cannot_be_done_is_said_in_one_line(arguments, code, message):
    drums = Part((Note(38, Fraction(0), Fraction(1)),), "Drums", drums=True)
    write_piece(Piece((drums,)), "drums.mid")
    output = lmn_music(*arguments, "--out", "song.mid", code=code)
    (line,) = output.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert not Path("song.mid").exists()


def test_where_nothing_can_be_written_nothing_is_computed(tune):
    assert "does not exist" in lmn_music("harmonise", tune, "--out", "no/song.mid", code=2)
    assert "song.txt" in lmn_music("continue", tune, "--out", "song.mid", "--out", "song.txt", code=2)
    assert not Path("song.mid").exists()
