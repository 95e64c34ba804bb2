"""The unrolled model is what its equation says."""

import pytest
import torch

from lmn_music.models.networks.unrolled import Unrolled


@pytest.mark.parametrize("feedback", [False, True])
def test_output_is_the_window_of_hidden_states(feedback):
    network = Unrolled(6, 4, 3, feedback=feedback)
    torch.nn.init.normal_(network.W_hh, std=0.3)  # drawn it is zero
    x = torch.randn(7, 2, 6)
    output, _ = network.advance(x, network.initial_state(2))
    zero = torch.zeros(2, 4)
    hs = [zero, zero]  # h_{-2}, h_{-1}
    for t in range(7):
        argument = x[t] @ network.W_xh.T + network.b_h
        if feedback:
            argument = argument + torch.cat([hs[-1], hs[-2]], dim=1) @ network.W_hh.T
        hs.append(torch.tanh(argument))
        torch.testing.assert_close(output[t], torch.cat([hs[-1], hs[-2], hs[-3]], dim=1))
    present = Unrolled(6, 4, 3, feedback=feedback, puts_out_window=False)
    present.load_state_dict(network.state_dict())
    h, state = present.advance(x, present.initial_state(2))
    torch.testing.assert_close(h, output[..., :4])
    torch.testing.assert_close(state, torch.cat([hs[-1], hs[-2]], dim=1))


@pytest.mark.parametrize("feedback", [False, True])
@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.parametrize("puts_out_window", [False, True])
def test_a_batch_can_be_cut_in_time(feedback, window, puts_out_window):
    network = Unrolled(6, 4, window, feedback=feedback, puts_out_window=puts_out_window)
    torch.nn.init.normal_(network.W_hh, std=0.3)
    x = torch.randn(9, 2, 6)
    whole, last = network.advance(x, network.initial_state(2))
    first, state = network.advance(x[:2], network.initial_state(2))
    second, state = network.advance(x[2:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(state, last)
