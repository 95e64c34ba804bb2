"""Small models with drawn weights, for tests."""

import pytest
import torch

from lmn_music.models.config import ModelConfig
from lmn_music.models.sequence_model import build

CONFIGS = {
    "LMN-B": ModelConfig(hidden_size=5, memory_size=6),
    "LMN-A": ModelConfig(hidden_size=5, memory_size=6, readout="hidden"),
    "both, metre": ModelConfig(
        hidden_size=5, memory_size=6, readout="both", metre=(2, 3), output_hidden_size=4, dropout=0.5, input_dropout=0.5
    ),
    "unrolled": ModelConfig(network="unrolled", hidden_size=5, window=3, feedback=True),
}


@pytest.fixture(params=CONFIGS)
def model(request):
    torch.manual_seed(0)
    model = build(CONFIGS[request.param], torch.Generator().manual_seed(0))
    for parameter in model.parameters():  # also those that start at zero
        torch.nn.init.normal_(parameter, std=0.3)
    model.constrain()
    return model.eval()


@pytest.fixture
def frames():
    return torch.randint(0, 2, (11, 3, 88), generator=torch.Generator().manual_seed(1)).float()
