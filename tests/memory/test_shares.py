"""An autoencoder that several processes, here threads, fit together is that of one process with all sequences."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import numpy as np
import pytest

from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.memory.sequences import FloatArray
from lmn_music.memory.svd import RankError

T = TypeVar("T")


class Thread:
    """One of several threads that share work as processes do."""

    def __init__(self, rank: int, size: int, board: dict[int, FloatArray], barrier: Barrier) -> None:
        self.rank, self.size, self.board, self.barrier = rank, size, board, barrier

    def gathered(self, values: FloatArray) -> list[FloatArray]:
        self.board[self.rank] = values
        self.barrier.wait()
        every = [self.board[rank] for rank in range(self.size)]
        self.barrier.wait()
        return every

    def total(self, values: FloatArray) -> FloatArray:
        return np.sum(self.gathered(values), axis=0)

    def largest(self, values: FloatArray) -> FloatArray:
        return np.max(self.gathered(values), axis=0)


def together(size: int, work: Callable[[Thread], T]) -> list[T]:
    board: dict[int, FloatArray] = {}
    barrier = Barrier(size, timeout=60)
    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(lambda rank: work(Thread(rank, size, board, barrier)), range(size)))


def shared_fit(sequences: Sequence[FloatArray], size: int, components: int, *, centre: bool) -> list[LinearAutoencoder]:
    def fit(thread: Thread) -> LinearAutoencoder:
        share = sequences[thread.rank :: size] or [np.zeros((0, sequences[0].shape[1]))]
        return LinearAutoencoder(components, centre=centre).fit(share, shared=thread)

    return together(size, fit)


def songs(lengths: Sequence[int], inputs: int) -> list[FloatArray]:
    random = np.random.default_rng(0)
    weights = np.linspace(1, 2, inputs)  # inputs of different strength, so that singular values are apart
    return [np.cumsum(random.standard_normal((length, inputs)), axis=0) * weights / 9 for length in lengths]


@pytest.mark.parametrize(
    ("lengths", "inputs", "size"),
    [
        ([12, 9, 30, 17, 25], 3, 2),  # few columns: the Gram matrix itself
        ([120, 90, 150, 80, 140, 70, 150], 6, 3),  # Lanczos, and in one process the dense SVD
        ([150, 170], 6, 3),  # a process without a song
    ],
)
@pytest.mark.parametrize("centre", [True, False])
def test_shared_or_not_the_autoencoder_is_the_same(lengths: list[int], inputs: int, size: int, centre: bool) -> None:
    sequences, components = songs(lengths, inputs), 8
    alone = LinearAutoencoder(components, centre=centre).fit(sequences)
    for memory in shared_fit(sequences, size, components, centre=centre):
        scale = np.abs(alone.singular_values_).max()
        np.testing.assert_allclose(memory.singular_values_, alone.singular_values_, atol=1e-10 * scale)
        for name in ("A_", "B_", "mean_"):
            np.testing.assert_allclose(getattr(memory, name), getattr(alone, name), atol=1e-10)
        assert memory.explained_energy_ == pytest.approx(alone.explained_energy_, abs=1e-10)


def test_all_come_to_the_same_bits() -> None:
    first, *others = shared_fit(songs([120, 90, 150, 80], 6), 2, 8, centre=True)
    for other in others:
        np.testing.assert_array_equal(first.B_, other.B_)


def test_a_rank_that_is_too_low_is_noticed_by_all() -> None:
    sequences = [np.ones((4, 1)), np.zeros((3, 1))]  # a history of rank 4

    def fit(thread: Thread) -> int:
        with pytest.raises(RankError) as error:
            LinearAutoencoder(6, centre=False).fit(sequences[thread.rank :: 2], shared=thread)
        return error.value.rank

    assert together(2, fit) == [4, 4]
