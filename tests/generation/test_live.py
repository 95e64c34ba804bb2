"""Endless songs: the past has a bound, and what is played is what was composed, in time."""

from itertools import islice

import pytest
import torch
from mido.ports import EchoPort

from lmn_music.generation.live import play
from lmn_music.generation.sampler import sample_frames
from lmn_music.models.build import build
from tests.models.helpers import tied


@pytest.fixture(scope="module")
def model():
    model = build(tied(), torch.Generator().manual_seed(0)).eval()
    with torch.no_grad():
        model.output.logit.bias.fill_(-3.0)
    return model


def songs(model, horizon, frames=60):
    drawn = sample_frames(model, torch.Generator().manual_seed(1), horizon=horizon)
    return torch.cat(list(islice(drawn, frames)))


def test_up_to_the_horizon_nothing_is_forgotten(model):
    assert torch.equal(songs(model, 20)[:40], songs(model, None)[:40])


@torch.no_grad()
def test_a_recent_state_is_that_of_a_song_that_began_later_with_the_same_memory(model):
    frames = torch.bernoulli(torch.full((30, 2, 88), 0.05), generator=torch.Generator().manual_seed(0))
    _, state = model.contexts(frames, model.initial_state(2))
    recent = state.recent(12)
    assert recent.past.frames.shape[1] <= 12
    assert recent.position == state.position
    assert torch.equal(recent.memory, state.memory)
    assert torch.equal(state.recent(1000).past.frames, state.past.frames)
    context, after = model.step(recent)
    assert context.isfinite().all()
    assert after.past.frames.shape[1] == recent.past.frames.shape[1] + 1


def test_the_past_has_a_bound(model, monkeypatch):
    lengths = []
    step = model.step

    def watched(state):
        lengths.append(state.past.frames.shape[1])
        return step(state)

    monkeypatch.setattr(model, "step", watched)
    songs(model, 8)
    assert max(lengths) < 16
    assert len(lengths) == 60


class Clock:
    def __init__(self):
        self.time, self.late = 0.0, {}

    def now(self):
        return self.time

    def wait(self, seconds):
        self.time += seconds


def played(frames, clock, *, late=()):
    """Return (time, kind, pitch) of what reaches the port; a number in `late` is a frame that takes 5 s to draw."""
    port, events = EchoPort(), []
    send = port.send

    def noted(message):
        events.append((clock.time, message.type, message.note))
        send(message)

    port.send = noted

    def drawn():
        for number, frame in enumerate(frames):
            clock.time += 5 * (number in late)
            yield frame

    play(drawn(), port, seconds_per_frame=0.5, now=clock.now, wait=clock.wait)
    return events


def test_keys_are_struck_and_held_and_let_go_in_time():
    assert played([(60, 64), (60,), (), (72,)], Clock()) == [
        (0.0, "note_on", 60),
        (0.0, "note_on", 64),
        (0.5, "note_off", 64),
        (1.0, "note_off", 60),
        (1.5, "note_on", 72),
        (2.0, "note_off", 72),
    ]


def test_a_late_frame_delays_what_follows():
    events = played([(60,), (62,), (64,)], Clock(), late=(1,))
    assert [time for time, kind, _ in events if kind == "note_on"] == [0.0, 5.0, 5.5]


def test_an_interruption_leaves_no_key_sounding():
    port = EchoPort()

    def frames():
        yield (60, 67)
        raise KeyboardInterrupt

    clock = Clock()
    with pytest.raises(KeyboardInterrupt):
        play(frames(), port, seconds_per_frame=0.5, now=clock.now, wait=clock.wait)
    assert [(message.type, message.note) for message in port.iter_pending()] == [
        ("note_on", 60),
        ("note_on", 67),
        ("note_off", 60),
        ("note_off", 67),
    ]
