"""Recall against its definition, written out."""

import pytest
import torch

from lmn_music.models.tied.recall import Past, Recall

KEYS = 7


def frames_of(time=9, songs=3):
    frames = (torch.rand(time, songs, KEYS, generator=torch.Generator().manual_seed(0)) < 0.3).double()
    frames[4:6, 0] = 0  # a rest within a song
    frames[5:8, 1] = frames[1:4, 1]  # a repetition
    return frames


def recall():
    module = Recall((2, 3)).double()
    torch.manual_seed(0)
    for parameter in module.parameters():
        torch.nn.init.uniform_(parameter, 0.5, 3)
    return module


def alike(x, y):
    """The cosine; silence is like silence, and like nothing else."""
    if not x.any() or not y.any():
        return float(not x.any() and not y.any())
    return float(x @ y / (x.norm() * y.norm()))


def by_definition(song, fading, sharpness, metre, reach):
    """Return what to expect after each frame of a song (time, KEYS), and the greatest likeness of each."""
    time = len(song)
    L = torch.zeros(time + 1, time + 1, dtype=torch.float64)  # L[t, s]: before frame t, and before frame s < t
    expected, greatest = torch.zeros(time, KEYS, dtype=torch.float64), torch.zeros(time, dtype=torch.float64)
    for t in range(1, time + 1):  # the frame that is to come; 0 ... t - 1 are known
        for s in range(1, t):
            L[t, s] = fading * L[t - 1, s - 1] + (1 - fading) * alike(song[t - 1], song[s - 1])
        if t > 1:
            places = torch.arange(max(1, t - reach), t)
            distance = t - places
            bias = sum(table[distance % len(table)] for table in metre)
            weight = torch.softmax(sharpness * L[t, places] + bias, dim=0)
            expected[t - 1] = weight @ song[places]
            greatest[t - 1] = L[t, places].max()
    return expected, greatest


@pytest.mark.parametrize("reach", [4, 5000])
@torch.no_grad()
def test_recall_is_its_definition(reach, monkeypatch):
    monkeypatch.setattr("lmn_music.models.tied.recall.REACH", reach)
    module, frames = recall(), frames_of()
    expected, likeness, _ = module(frames, Past.empty(3, KEYS, frames))
    for song in range(3):
        for horizon, (fading, sharpness) in enumerate(zip(module.fading.tolist(), module.sharpness, strict=True)):
            metre = [table[horizon] for table in module.metre]
            theirs, greatest = by_definition(frames[:, song], fading, float(sharpness), metre, reach)
            torch.testing.assert_close(expected[:, song, :, horizon], theirs)
            torch.testing.assert_close(likeness[:, song, horizon], greatest)


@pytest.mark.parametrize("cut", [1, 4, 8])
@torch.no_grad()
def test_a_song_can_be_read_in_parts(cut):
    module, frames = recall(), frames_of()
    expected, likeness, past = module(frames, Past.empty(3, KEYS, frames))
    first, likeness_1, half = module(frames[:cut], Past.empty(3, KEYS, frames))
    second, likeness_2, end = module(frames[cut:], half)
    torch.testing.assert_close(torch.cat([first, second]), expected)
    torch.testing.assert_close(torch.cat([likeness_1, likeness_2]), likeness)
    torch.testing.assert_close(end.likeness, past.likeness)


@torch.no_grad()
def test_a_repetition_is_recognised():
    frames = frames_of()
    module = recall()
    module.sharpness.fill_(200.0)
    expected, _, _ = module(frames, Past.empty(3, KEYS, frames))
    # After frames 5 and 6, which are 1 and 2 again, frame 3 is expected.
    torch.testing.assert_close(expected[6, 1, :, 0], frames[3, 1], rtol=0, atol=1e-3)


def test_every_weight_learns():
    module, frames = recall(), frames_of()
    expected, _, _ = module(frames, Past.empty(3, KEYS, frames))
    (expected * torch.randn(expected.shape, dtype=torch.float64)).sum().backward()
    for parameter in module.parameters():
        assert parameter.grad.abs().min() > 1e-6
