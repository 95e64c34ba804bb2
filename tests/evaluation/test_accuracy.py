"""Two accuracies, two definitions."""

import numpy as np
import pytest
import torch

from lmn_music.corpora import load_corpus
from lmn_music.evaluation.accuracy import accuracies, sampled_accuracy, thresholded_accuracy
from lmn_music.models.interface import SequenceModel, State
from lmn_music.models.outputs.bernoulli import BernoulliOutput
from lmn_music.models.outputs.nade import NADE
from lmn_music.music.pianoroll import KEYS, PianoRoll


def frame(*keys):
    result = torch.zeros(KEYS)
    result[list(keys)] = 1
    return result


@pytest.mark.parametrize(
    ("predicted", "played", "sampled", "thresholded"),
    [
        ([1, 2, 3], [2, 3, 4, 5], 2 / 4, 2 / 5),
        ([1], [1], 1, 1),
        ([1], [2], 0, 0),
        ([], [2], 0, 0),
        ([1], [], 0, 0),
        ([], [], 1, torch.nan),
    ],
)
def test_by_hand(predicted, played, sampled, thresholded):
    assert sampled_accuracy(frame(*predicted), frame(*played)) == pytest.approx(sampled)
    assert thresholded_accuracy(frame(*predicted), frame(*played)) == pytest.approx(thresholded, nan_ok=True)


class Repeat(SequenceModel):
    """Is nearly sure that everything stays as it is."""

    def __init__(self):
        super().__init__()
        self.output = BernoulliOutput()
        self.sureness = torch.nn.Parameter(torch.tensor(50.0))

    def initial_state(self, batch):
        return State(torch.zeros(batch, 0), torch.zeros(batch, KEYS), 0)

    def contexts(self, frames, state):
        previous = torch.cat([state.previous.unsqueeze(0), frames[:-1]])
        return (2 * previous - 1) * self.sureness, State(state.memory, frames[-1], state.position + len(frames))

    def step(self, state):
        return (2 * state.previous - 1) * self.sureness, state


@pytest.mark.parametrize(("name", "anchor"), [("jsb", 27.3), ("nottingham", 69.6), ("muse", 39.4), ("piano", 36.8)])
@pytest.mark.slow
def test_repeating_the_frame_before_gives_the_known_figures(name, anchor, benchmark_folder):
    _, thresholded = accuracies(Repeat(), load_corpus(name, benchmark_folder).test, samples=1)
    assert 100 * thresholded == pytest.approx(anchor, abs=0.05)


class Pair(Repeat):
    """Keys 1 and 2 sound together or not at all, with probability 0.7; key 3 when they do not."""

    def __init__(self):
        super().__init__()
        self.output = NADE(1, keys=KEYS)
        with torch.no_grad():
            self.output.W.zero_()[1] = 1.0
            self.output.V.zero_()[2], self.output.V[3] = 60.0, -60.0
        self.context = torch.full((self.output.context_size,), -30.0)
        self.context[[0, 1 + 1, 1 + 3]] = torch.tensor([0.0, 0.847, 30.0])  # the hidden bias; keys 1 and 3

    def contexts(self, frames, state):
        return self.context.expand(*frames.shape[:2], -1), State(state.memory, frames[-1], 0)


def test_keys_that_depend_on_each_other_are_scored_by_their_marginals():
    frames = np.zeros((200, KEYS), dtype=bool)
    frames[:, [1, 2]] = True
    sampled, thresholded = accuracies(Pair(), [PianoRoll(frames, 1)], samples=20)
    assert sampled == pytest.approx(0.7, abs=0.04)
    assert thresholded == pytest.approx(0.98, abs=0.03)  # of 20 draws, seldom less than half sound


def test_a_model_that_is_sure_scores_what_its_prediction_scores():
    frames = np.zeros((5, KEYS), dtype=bool)
    frames[:, 10] = True
    frames[2:, 20] = True  # a second key from the third frame on
    sampled, thresholded = accuracies(Repeat(), [PianoRoll(frames, 1)], samples=3)
    assert sampled == pytest.approx((0 + 1 + 1 / 2 + 1 + 1) / 5)
    assert thresholded == pytest.approx((1 + 1 / 2 + 1 + 1) / 4)  # the first frame is left out
