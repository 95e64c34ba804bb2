"""Small models with drawn weights, for tests."""

import pytest
import torch

from lmn_music.models.build import build
from tests.models.helpers import CONFIGS


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
