"""The parts of a frame's surprise are its whole, and the whole is the model's likelihood."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lmn_music.evaluation.explaining.reading import notes_between, read
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.models.build import build
from lmn_music.music.pianoroll import KEYS, PianoRoll
from tests.helpers import make_roll
from tests.models.helpers import CONFIGS

SOME = ("LMN-B", "NADE", "tied", "tied, absolute pitch")


def model_of(name):
    return build(CONFIGS[name], torch.Generator().manual_seed(1)).eval()


def random_roll(length, seed, density):
    frames = np.zeros((length, KEYS), dtype=bool)
    frames[:, 30:50] = np.random.default_rng(seed).random((length, 20)) < density
    return PianoRoll(frames, 2)


@pytest.mark.parametrize("name", SOME)
@settings(max_examples=8)
@given(length=st.integers(1, 12), seed=st.integers(0, 99), density=st.sampled_from([0.0, 0.1, 0.5]))
def test_all_parts_are_the_likelihood_of_the_frame(name, length, seed, density):
    model, roll = model_of(name), random_roll(length, seed, density)
    reading = read(model, roll)
    np.testing.assert_allclose(sum(reading.parts), reading.frame_nats, rtol=1e-12)
    np.testing.assert_allclose(reading.frame_nats, -frame_log_probs(model, [roll])[0], rtol=1e-4)
    assert (reading.nats >= 0).all()
    onsets, continuation, _ = reading.parts
    assert sum(note.onset for note in reading.notes) == pytest.approx(onsets.sum())
    assert sum(note.continuation for note in reading.notes) == pytest.approx(continuation.sum())
    whole = sum(note.nats for note in reading.notes) + reading.parts.silence.sum()
    assert whole == pytest.approx(reading.frame_nats.sum(), rel=1e-12)


def test_a_note_is_a_run_of_a_key():
    roll = make_roll(20)
    reading = read(model_of("tied"), roll)
    assert len(reading.notes) == roll.notes
    for note in reading.notes:
        span = reading.nats[note.start : note.end, note.key]
        assert note.onset == span[0]
        assert note.nats == pytest.approx(span.sum())
    assert [(note.start, note.key) for note in reading.notes] == sorted(
        (note.start, note.key) for note in reading.notes
    )


def test_a_transposed_reading_is_in_the_songs_own_key():
    roll, model = make_roll(10), model_of("tied, absolute pitch")
    moved = read(model, roll.transposed(5))
    reading = read(model, roll, 5)
    assert reading.roll == roll
    np.testing.assert_array_equal(reading.nats[:, :-5], moved.nats[:, 5:])
    np.testing.assert_allclose(reading.frame_nats, moved.frame_nats)
    assert [(note.key + 5, note.onset) for note in reading.notes] == [(n.key, n.onset) for n in moved.notes]


def test_chances_of_independent_keys_are_exact():
    reading = read(model_of("LMN-B"), make_roll(6))
    chance = np.where(reading.roll.frames, reading.chances, 1 - reading.chances)
    np.testing.assert_allclose(-np.log(chance), reading.nats, atol=1e-5)


def test_chances_of_dependent_keys_are_means_over_what_the_keys_below_do():
    model, roll = model_of("NADE"), make_roll(5)
    reading = read(model, roll)
    context, _ = model.contexts(torch.tensor(roll.frames).float().unsqueeze(1), model.initial_state(1))
    drawn = model.output.draw(context[:, 0].expand(4000, -1, -1), generator=torch.Generator().manual_seed(5))
    np.testing.assert_allclose(reading.chances, drawn.frames.mean(dim=0).detach().numpy(), atol=0.1)
    assert np.abs(reading.chances[:, 0] - drawn.chances[0, :, 0].detach().numpy()).max() < 1e-6


def test_what_was_expected_instead_is_silent_likely_and_sorted(found):
    for frame in range(len(found.roll)):
        expected = found.expected(frame)
        assert len(expected) <= 3
        assert [chance for _, chance in expected] == sorted((chance for _, chance in expected), reverse=True)
        assert all(not found.roll.frames[frame, key] and chance >= 0.05 for key, chance in expected)


def test_a_long_song_is_read_as_in_one_piece():
    roll = make_roll(300)
    reading = read(model_of("tied"), roll)
    assert reading.nats.shape == reading.chances.shape == (300, KEYS)
    np.testing.assert_allclose(reading.frame_nats, -frame_log_probs(model_of("tied"), [roll])[0], rtol=1e-4)


def test_notes_between_the_frames_are_counted():
    frames = np.zeros((9, KEYS), dtype=bool)
    for key, start, end in [(30, 0, 1), (31, 1, 4), (32, 3, 5), (33, 5, 8), (34, 8, 9)]:
        frames[start:end, key] = True
    assert notes_between(PianoRoll(frames, 4), 1) == 2
    assert notes_between(PianoRoll(frames, 4), 4) == 0
    assert notes_between(PianoRoll(frames, 1), 2) == 0
