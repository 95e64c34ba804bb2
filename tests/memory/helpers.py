"""What the tests of memories share."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)
