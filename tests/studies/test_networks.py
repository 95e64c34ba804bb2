"""The networks that only studies use."""

import pytest
import torch

from lmn_music.models.build import build
from studies.all import STUDIES
from studies.networks import registered

DEPTH = STUDIES["depth"]


@pytest.mark.parametrize("condition", DEPTH.conditions)
@registered()
def test_frame_by_frame_it_says_what_it_says_of_a_whole_song(condition):
    config = DEPTH.recipe("jsb", condition, "rate 0.01").model
    model = build(config, torch.Generator().manual_seed(0)).eval().double()
    frames = torch.randint(2, (6, 2, 88)).double()
    with torch.no_grad():
        whole, _ = model(frames)
        state, parts = model.initial_state(2), []
        for frame in frames:
            log_prob, state = model(frame.unsqueeze(0), state)
            parts.append(log_prob)
    torch.testing.assert_close(torch.cat(parts), whole)


@registered()
def test_the_memories_of_all_blocks_learn_at_their_own_rate():
    for condition in DEPTH.conditions:
        model = build(DEPTH.recipe("jsb", condition, "rate 0.01").model)
        square = [weight for weight in model.memory_weights() if weight.dim() == 2 and len(set(weight.shape)) == 1]
        assert len(square) == model.config.scales
