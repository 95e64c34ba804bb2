"""Pieces that are continued, harmonised and rewritten: what was given stays, to the note."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from lmn_music.api import continue_pieces
from lmn_music.corpora import load_corpus
from lmn_music.errors import GenerationError, ScoreError, UsageError
from lmn_music.evaluation.originality import shared_runs
from lmn_music.generation import rewriting
from lmn_music.generation.continuing import continue_piece
from lmn_music.generation.harmonising import harmonise
from lmn_music.generation.key import way_to_model_key
from lmn_music.generation.rewriting import rewrite
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.music.melody import find_melody, melody_roll
from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.piece import KeySignature, Piece, Tempo
from lmn_music.music.tonality import mean_top_key
from lmn_music.words import counted
from tests.generation.helpers import checkpoint
from tests.music.helpers import pieces

THIRD = Fraction(1, 3)


def tune():
    """A tune in D major, 3/4, with a pickup, a triplet, a rest and an ornament shorter than any frame."""
    pitches = [69, 74, 73, 74, 76, 78, 76, 74, 71, 69, 74]
    lengths = [1, 2, 1, THIRD, THIRD, THIRD, Fraction(1, 12), Fraction(11, 12), 1, 3, 3]
    notes, now = [], Fraction(0)
    for place, (pitch, length) in enumerate(zip(pitches, lengths, strict=True)):
        now += place == 9  # a rest of a quarter
        notes.append(Note(pitch, now, now + length))
        now += length
    return Part(tuple(notes), "Flute", program=73)


def piece(*parts):
    return Piece(
        parts or (tune(),),
        length=Fraction(40),  # silence at the end
        tempos=(Tempo(Fraction(0), 84.0), Tempo(Fraction(4), 96.0)),
        metres=(Metre(Fraction(0), 3, 4),),
        key_signatures=(KeySignature(Fraction(0), 2, "major"),),
        pickup=Fraction(1),
        title="Tune",
    )


def bass():
    return Part(
        tuple(Note(pitch, Fraction(t), Fraction(t + 3)) for pitch, t in ((50, 1), (45, 4), (43, 7), (38, 10))), "Bass"
    )


def test_a_harmonised_melody_stands_exactly_as_given():
    given = piece()
    song = harmonise(checkpoint(), given, seed=1, particles=8)
    assert song.parts[0].notes == tune().notes
    assert song.parts[0].program == 73
    assert len(song.parts) > 1
    assert (song.tempos, song.metres, song.key_signatures, song.pickup) == (
        given.tempos,
        given.metres,
        given.key_signatures,
        given.pickup,
    )
    for part in song.parts[1:]:
        for note in part.notes:
            sounding = [m for m in tune().notes if m.onset <= note.onset < m.end and m.end - m.onset > Fraction(1, 2)]
            assert all(note.pitch < melody.pitch for melody in sounding)
            assert (note.onset * 2).denominator == 1  # on the model's frames


def test_the_number_of_voices_is_followed():
    names = {
        voices: [part.name for part in harmonise(checkpoint(), piece(), seed=1, voices=voices, particles=16).parts]
        for voices in (2, 4)
    }
    assert names[2][:2] == ["Flute", "Bass"]
    assert names[4][:4] == ["Flute", "Alto", "Tenor", "Bass"]


def test_same_seed_same_voices():
    one, same, other = (harmonise(checkpoint(), piece(), seed=seed, particles=4) for seed in (1, 1, 2))
    assert one == same
    assert one != other


@pytest.mark.parametrize("per_quarter", [1, 2, 4])
def test_a_continued_piece_keeps_every_note_and_goes_on_after_the_last(per_quarter):
    given = piece(tune(), bass())
    song = continue_piece(checkpoint(frames_per_quarter=per_quarter), given, seed=3, bars=2)
    start = song.new[0]
    assert start >= given.end
    assert start - given.end < Fraction(1, per_quarter)
    for before, after in zip(given.parts, song.parts, strict=True):
        assert after.notes[: len(before.notes)] == before.notes
        assert all(note.onset >= start for note in after.notes[len(before.notes) :])
        assert after.name == before.name
    new = [note for part in song.parts for note in part.notes if note.onset >= start]
    assert new
    assert max(note.end for note in new) <= song.length == given.trimmed().bars()[-1].end + 2 * 3
    assert song.tempos == given.tempos
    alone = song.after(start)
    assert sum(len(part.notes) for part in alone.parts) == len(new)


def test_a_rewritten_piece_keeps_what_was_not_to_be_rewritten():
    given = piece(tune(), bass())
    start, end = given.span(2, 3)
    song = rewrite(checkpoint(), given, 2, 3, seed=5)
    for before, after in zip(given.parts, song.parts, strict=True):
        outside = [note for note in before.notes if not start <= note.onset < end]
        assert set(outside) <= set(after.notes)
        inside = [note for note in after.notes if start <= note.onset < end]
        assert all(note.end <= end for note in inside)
        kept = [note for note in after.notes if not start <= note.onset < end]
        # What begins in the bars and sounds beyond them is struck anew at their end.
        assert set(kept) - set(outside) == {
            note._replace(onset=end) for note in before.notes if start <= note.onset < end < note.end
        }
    assert song.parts != given.parts
    assert (song.tempos, song.metres, song.length) == (given.tempos, given.metres, given.length)


def test_one_voice_alone_is_rewritten():
    given = piece(tune(), bass())
    song = rewrite(checkpoint(), given, 1, 3, seed=5, voice=2)
    assert song.parts[0] == given.parts[0]
    assert song.parts[1] != given.parts[1]
    assert song.parts[1].name == "Bass"


def test_what_lies_below_a_pitch_is_rewritten():
    given = piece(tune(), bass())
    song = rewrite(checkpoint(), given, 1, 3, seed=5, below=60)
    assert song.parts[0] == given.parts[0]
    assert song.parts[1] != given.parts[1]
    assert all(note.pitch < 60 for note in song.parts[1].notes)


def test_bars_and_voices_that_do_not_exist_are_refused():
    with pytest.raises(UsageError, match="no bars 2 to 99"):
        rewrite(checkpoint(), piece(), 2, 99, seed=0)
    with pytest.raises(UsageError, match="no voice 2: the piece has 1 part"):
        rewrite(checkpoint(), piece(), 1, 2, seed=0, voice=2)


def test_pieces_are_moved_to_c_only_for_models_that_know_c():
    given = piece()
    roll = given.roll(2)
    assert way_to_model_key(given, roll, checkpoint(corpus="mine").header.corpus) == 0
    assert way_to_model_key(given, roll, checkpoint(corpus="jsb").header.corpus) == -2


def test_pieces_are_moved_to_the_octave_of_the_models_songs():
    given = piece()
    roll = given.roll(2)
    corpus = checkpoint(corpus="jsb").header.corpus
    for octaves in (-1, 0, 1, 2):
        known = corpus.model_copy(update={"mean_top_key": mean_top_key([roll]) - 2 + 12 * octaves})
        assert way_to_model_key(given, roll, known) == -2 + 12 * octaves


@pytest.mark.slow
def test_melodies_of_the_chorales_an_octave_lower_are_moved_back(benchmark_folder):
    """Of the test melodies of JSB Chorales at least three quarters: the shipped model knows where its songs lie."""
    corpus, songs = load_checkpoint("jsb").header.corpus, load_corpus("jsb", benchmark_folder).test
    lower = [melody_roll(find_melody(Piece.from_roll(song.transposed(-12))), Fraction(len(song)), 1) for song in songs]
    moves = [way_to_model_key(Piece.from_roll(roll), roll, corpus) for roll in lower]
    assert sum(move > 6 for move in moves) / len(moves) > 0.75


def test_a_model_reads_what_sounds_on_its_frames():
    late, early, between = (
        Note(60, Fraction(1, 20), Fraction(1)),
        Note(64, Fraction(1), Fraction(41, 20)),
        Note(67, Fraction(3, 2), Fraction(2)),
    )
    roll = Piece((Part((late, early, between)),)).sounding(1)
    assert [np.flatnonzero(frame).tolist() for frame in roll.frames] == [[39], [43]]
    assert Piece((Part((between,)),)).sounding(1) == Piece((Part((between,)),)).roll(1)


def test_an_arrangement_says_how_it_came_about():
    given = piece()
    song = continue_piece(checkpoint(), given, seed=3, bars=2)
    higher = "2 semitones lower" if song.moved == -2 else f"{abs(song.moved)} semitones"
    assert song.summary.startswith("D major, read by small ")
    assert higher in song.summary
    assert f", in C major; seed 3; notes: Flute {len(song.parts[0].notes)}" in song.summary
    start = song.new[0]
    assert song.after(Fraction(1)).new == (start - 1, song.new[1] - 1)
    assert song.after(start).new is None
    stays = continue_piece(checkpoint(corpus="mine"), given, seed=3, bars=1)
    assert "D major, read by small as it is; seed 3" in stays.summary


@settings(max_examples=25)
@drawn(pieces(), st.data())
def test_of_any_piece_only_the_bars_are_rewritten(given, data):
    bars = [bar.number for bar in given.bars() if bar.start < given.length]
    first = data.draw(st.sampled_from(bars))
    last = data.draw(st.sampled_from([bar for bar in bars if bar >= first]))
    start, end = given.span(first, last)
    if not any(not part.drums for part in given.parts):
        with pytest.raises(ScoreError):
            rewrite(checkpoint(), given, first, last, seed=0)
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rewriting, "PARTICLES", 4)
        patch.setattr(rewriting, "SWEEPS", 1)
        try:
            song = rewrite(checkpoint(corpus="mine"), given, first, last, seed=0)
        except GenerationError:  # what stays has no chance under a model with drawn weights
            return
    kept = [part for part in given.parts if part.drums or any(not start <= n.onset < end for n in part.notes)]
    after = {note for part in song.parts for note in part.notes}
    for part in kept:
        assert {note for note in part.notes if part.drums or not start <= note.onset < end} <= after
    before = {note for part in given.parts for note in part.notes}
    struck = {note._replace(onset=end) for note in before if start <= note.onset < end < note.end}
    assert {note for note in after - before if not start <= note.onset < end} <= struck
    assert all(note.end <= end for note in after - before - struck)
    assert song.length == given.length


def test_of_a_continuation_only_the_new_bars_are_judged(benchmark_folder):
    """What they share with a training song, in any transposition, is what `shared_runs` finds in them alone."""
    corpus, given, said = load_corpus("jsb", benchmark_folder), piece(tune(), bass()), []
    songs = list(
        continue_pieces(given, "jsb", bars=3, count=3, best=3, seed=1, data=benchmark_folder, remark=said.append)
    )
    assert sorted(song.seed for song in songs) == [1, 2, 3]
    beginning = len(given.trimmed().sounding(1))
    for number, (song, line) in enumerate(zip(songs, said, strict=True), 1):
        (run,) = shared_runs([song.trimmed().sounding(1)[beginning:]], corpus.train)
        assert line.startswith(f"rank {number} of 3: seed {song.seed}: ")
        assert line.endswith(f", {counted(run.chords, 'chord')} at most shared with a training song")


def test_where_a_melody_rests_for_long_the_others_rest_too():
    """After a bar and more of rest, and with a rest of a quarter in it, which the others fill."""
    notes = tuple(Note(72, Fraction(t), Fraction(t + 1)) for t in (5, 6, 8, 9, 14))
    song = harmonise(checkpoint(), Piece((Part(notes),)), seed=1, particles=8)
    others = [note for part in song.parts[1:] for note in part.notes]
    assert not any(note.onset < 5 or 10 <= note.onset < 14 for note in others)
    assert any(note.onset <= 7 < note.end for note in others)
    assert all(note.end <= 10 or note.onset >= 14 for note in others)


@pytest.mark.parametrize(
    ("end", "pickup", "new"),
    [
        (8, 0, (8, 16)),  # full bars
        (7, 0, (7, 16)),  # the last bar is filled first
        (Fraction(63, 8), 0, (8, 16)),  # and it is full, where its last note is a little short
        (8, 1, (8, 16)),  # 1 + 4 + 3 quarters: the last bar lacks the pickup, with which the new bars begin
        (7, 1, (7, 17)),
    ],
)
def test_the_new_bars_begin_where_the_last_bar_ends(end, pickup, new):
    notes = [Note(60 + t % 3, Fraction(t), Fraction(t + 1)) for t in range(6)] + [Note(64, Fraction(6), Fraction(end))]
    given = Piece((Part(tuple(notes)),), metres=(Metre(Fraction(0), 4, 4),), pickup=Fraction(pickup))
    assert continue_piece(checkpoint(), given, seed=1, bars=2).new == new
