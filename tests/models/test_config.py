"""A configuration that cannot work is refused with what it lacks."""

import pytest
from pydantic import ValidationError

from lmn_music.models.config import ModelConfig


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "tied"}, 'architecture "tied" needs output "nade"'),
        ({"architecture": "tied", "output_hidden_size": 8}, 'architecture "tied" needs output "nade"'),
        ({"output": "nade"}, "needs an output_hidden_size of at least 1"),
        ({"recall": False}, 'belong to architecture "tied"'),
        (
            {"architecture": "tied", "output": "nade", "output_hidden_size": 8, "input_dropout": 0.1},
            'architecture "tied" has no input_dropout',
        ),
        ({"architecture": "tied", "output": "nade"}, "needs an output_hidden_size of at least 1"),
    ],
)
def test_what_does_not_fit_together_is_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        ModelConfig(**options)
