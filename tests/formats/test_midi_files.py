"""The MIDI files that music21 brings along, beside what symusic and pretty_midi read in them."""

import warnings
from collections import Counter
from fractions import Fraction
from pathlib import Path

import music21
import pretty_midi
import pytest
import symusic

from lmn_music.formats import read_piece
from lmn_music.music.metre import join_pickup

FILES = sorted(Path(music21.__file__).parent.rglob("*.mid"))


def test_there_are_files() -> None:
    assert len(FILES) >= 23


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_notes_tempos_metres_and_keys_are_those_of_symusic(path: Path) -> None:
    piece, theirs = read_piece(path), symusic.Score(path)
    quarter = theirs.tpq

    def when(tick: int) -> Fraction:
        return Fraction(tick, quarter)

    assert Counter(
        (note.pitch, note.onset, note.end, note.velocity) for part in piece.parts for note in part.notes
    ) == (
        Counter(
            (note.pitch, when(note.start), when(note.end), note.velocity)
            for track in theirs.tracks
            for note in track.notes
        )
    )
    # of several changes in one tick, the last counts
    assert {change.onset: round(6e7 / change.quarters_per_minute) for change in piece.tempos} == {
        when(change.time): change.mspq for change in theirs.tempos
    }
    assert {metre.onset: metre[1:] for metre in join_pickup(piece.metres, piece.pickup)} == {
        when(change.time): (change.numerator, change.denominator) for change in theirs.time_signatures
    }
    assert {change.onset: (change.fifths, change.mode == "minor") for change in piece.key_signatures} == {
        when(change.time): (change.key, bool(change.tonality)) for change in theirs.key_signatures
    }


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_notes_are_those_of_pretty_midi_or_explained(path: Path) -> None:
    """It leaves out notes of no length, and ends all notes of a key with one note-off."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pretty_midi.PrettyMIDI(str(path))
    quarter = theirs.resolution
    expected = Counter(
        (note.pitch, *(Fraction(theirs.time_to_tick(time), quarter) for time in (note.start, note.end)))
        for instrument in theirs.instruments
        for note in instrument.notes
    )
    ours = Counter((note.pitch, note.onset, note.end) for part in read_piece(path).parts for note in part.notes)
    more, less = ours - expected, expected - ours
    longer = Counter((pitch, onset) for pitch, onset, end in more.elements() if end > onset)
    assert longer == Counter((pitch, onset) for pitch, onset, _ in less.elements())
    ends = {(pitch, onset): end for pitch, onset, end in less}
    assert all(end > ends[pitch, onset] for pitch, onset, end in more if end > onset)
    assert less.total() <= 12
