"""The linear autoencoder for sequences (LAES): the optimal linear memory of given size, in closed form.

Sources: Sperduti, "Linear autoencoder networks for structured data", 2013; Pasa & Sperduti, NIPS 2014; Carta,
Sperduti, Bacciu, "Encoding-based memory for recurrent neural networks", Neurocomputing 2021 (arXiv 2001.11771).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self, overload

import numpy as np
import numpy.typing as npt
from scipy import linalg
from threadpoolctl import threadpool_limits

from lmn_music.memory.estimator import Estimator, NotFittedError
from lmn_music.memory.history import squared_norm
from lmn_music.memory.linear import LinearMemory
from lmn_music.memory.sequences import FloatArray, as_sequences
from lmn_music.memory.shares import NOT_SHARED, Shared
from lmn_music.memory.svd import RankError, truncated_svd


class LinearAutoencoder(Estimator):
    """Linear autoencoder for sequences with a state of `n_components` numbers, fitted exactly (no gradient descent).

        transform   y_t = A (x_t - mean) + B y_{t-1},  y_0 = 0
        decode      x_t ~ A' y_t + mean,  y_{t-1} ~ B' y_t

    With the truncated SVD Xi = V L U' of the history matrix, xi_t = P x_t + S xi_{t-1} (P puts a frame into the first
    block, S moves all blocks down by one) and y_t = U' xi_t give

        A = U' P = (first a rows of U)',    B = U' S U = L^-1 V' R V L

    where R moves the rows of each sequence down by one frame (row t becomes row t-1, row 1 becomes 0). The two forms of
    B agree at every rank because R Xi = Xi S; U_shift' U with U_shift = S U is its transpose B'. At full rank the
    decoder is exact, A A' + B B' = I and |B|_2 = 1 (if p > a); below full rank U' is the best rank-p code of the
    prefixes and |B|_2 <= 1. The entry of largest magnitude in each column of U is positive, which fixes its sign.
    Pipelines and searches of scikit-learn take the class as an estimator; their X is a list of sequences.

    Args:
        n_components: p, the size of the state; from 1 to the rank of the history matrix.
        centre: subtract the mean over all frames of the training set from every input; otherwise the mean is 0.

    Attributes:
        A_: (p, a), float64, how a frame is written into the state.
        B_: (p, p), float64, how the state passes from one frame to the next.
        mean_: (a,), float64, what is subtracted from every frame.
        singular_values_: (p,), float64, the largest of the history matrix, in descending order.
        explained_energy_: the share of the squared Frobenius norm of Xi that the p components keep, from 0 to 1.
        n_features_in_: a, the width of the sequences.

    Example:
        >>> songs = [np.eye(4), np.eye(4)[::-1]]
        >>> memory = LinearAutoencoder(n_components=8).fit(songs)
        >>> states = memory.transform(songs[0])  # (time, 8)
        >>> past = memory.decode(states[-1], steps=4)  # the whole song, backwards
        >>> print(f"{memory.score(songs):.0%}, {np.abs(past - songs[0][::-1]).max():.3f}")
        100%, 0.000
    """

    A_: FloatArray
    B_: FloatArray
    mean_: FloatArray
    singular_values_: FloatArray
    explained_energy_: float
    n_features_in_: int

    def __init__(self, n_components: int, *, centre: bool = True) -> None:
        self.n_components = n_components
        self.centre = centre

    def fit(
        self,
        sequences: Sequence[npt.ArrayLike],
        y: None = None,  # noqa: ARG002
        *,
        shared: Shared = NOT_SHARED,
    ) -> Self:
        """Fit to sequences and return the autoencoder itself. The same data gives the same bits.

        Args:
            sequences: arrays (time, a) of any lengths, real or bool.
            y: is not read; scikit-learn passes it.
            shared: the processes that fit one autoencoder together; `sequences` are then the share of this process, of
                at least one array, perhaps without frames. All come to the same autoencoder.

        Returns:
            The autoencoder itself.

        Raises:
            ValueError: for sequences that are empty, of different widths or not finite, and for n_components that is no
                whole number or below 1.
            RankError: for n_components above the rank of the history matrix. On large problems singular values below
                1e-7 of the largest count as zero.
        """
        if not np.issubdtype(type(self.n_components), np.integer) or self.n_components < 1:
            raise ValueError(f"n_components must be a whole number of at least 1, not {self.n_components!r}")
        arrays = as_sequences(sequences, share=shared.size > 1)
        inputs = arrays[0].shape[1]
        frames = shared.total(np.array([sum(len(array) for array in arrays)], dtype=np.float64))
        total = shared.total(sum((array.sum(axis=0) for array in arrays), np.zeros(inputs)))
        mean = total / frames if self.centre else np.zeros(inputs)
        # An input that is always at its mean (a key never played) is a zero column of every block: leave it out.
        least = np.full(inputs, -np.inf)
        low = -shared.largest(np.max([least, *(-array.min(axis=0) for array in arrays if len(array))], axis=0))
        high = shared.largest(np.max([least, *(array.max(axis=0) for array in arrays if len(array))], axis=0))
        used = low < high if self.centre else (low != 0) | (high != 0)
        if not used.any():
            raise ValueError("every frame is the same, so there is nothing to remember; give sequences that vary")
        arrays = [array[:, used] - mean[used] for array in arrays]
        singular_values, U = truncated_svd(arrays, self.n_components, shared)
        width = arrays[0].shape[1]
        self.A_ = np.zeros((self.n_components, inputs))
        self.A_[:, used] = U[:width].T
        with threadpool_limits(1, user_api="blas"):  # another number of threads would add up in another order
            self.B_ = U[width:].T @ U[: len(U) - width]
        self.mean_, self.singular_values_ = mean, singular_values
        energy = shared.total(np.array([squared_norm(arrays)]))
        self.explained_energy_ = float(np.sum(np.square(singular_values)) / energy[0])
        self.n_features_in_ = inputs
        return self

    @overload
    def transform(self, sequences: npt.NDArray[Any]) -> FloatArray: ...
    @overload
    def transform(self, sequences: Sequence[npt.ArrayLike]) -> list[FloatArray]: ...
    def transform(self, sequences: npt.NDArray[Any] | Sequence[npt.ArrayLike]) -> FloatArray | list[FloatArray]:
        """Return the states of one sequence or of several, from y_0 = 0.

        Args:
            sequences: one array (time, a), or a list of them.

        Returns:
            The states (time, p) of the one sequence, or the list of the states of each.

        Raises:
            NotFittedError, ValueError: before `fit`; for a sequence of another width.
        """
        memory = self._memory()
        if isinstance(sequences, np.ndarray) and sequences.ndim == 2:
            return memory.transform(sequences)
        return [memory.transform(sequence) for sequence in sequences]

    def decode(self, state: npt.ArrayLike, steps: int) -> FloatArray:
        """Return the last inputs that a state holds, most recent first: row j is A' (B')^j y + mean.

        This is no `inverse_transform`: from one state it returns many frames.

        Args:
            state: (..., p), one state or any batch of states.
            steps: how many frames to return.

        Returns:
            The frames (..., steps, a); those before the start of the sequence are the mean (exactly at full rank).

        Raises:
            NotFittedError, ValueError: before `fit`; for states of another size and for steps below 0.
        """
        memory = self._memory()
        current = np.asarray(state, dtype=np.float64)
        if current.ndim == 0 or current.shape[-1] != len(memory.B):
            raise ValueError(f"a state to decode has shape (..., {len(memory.B)}), not {current.shape}")
        if steps < 0:
            raise ValueError(f"steps must be 0 or more, not {steps}")
        decoded = np.empty((*current.shape[:-1], steps, self.n_features_in_))
        for j in range(steps):
            decoded[..., j, :] = current @ memory.A + memory.mean  # row vectors: (A' y)' = y' A, (B' y)' = y' B
            current = current @ memory.B
        return decoded

    def score(self, sequences: Sequence[npt.ArrayLike], y: None = None) -> float:  # noqa: ARG002
        """Return the share of the energy of the sequences' history that is decoded from their states.

            1 - sum |xi_t - D y_t|^2 / sum |xi_t|^2,    D y = (A' y, A' B' y, A' (B')^2 y, ...),

        the sums over all frames t, xi_t row t of the history matrix, which is zero before the start of a sequence. As
        y_t = D' xi_t, the numerator needs the states and G = D' D = A A' + B G B' alone.

        Args:
            sequences: arrays (time, a) of any lengths, of the training set or others.
            y: is not read; scikit-learn passes it.

        Returns:
            At most 1, which is reached at full rank on the training set; there it is never above `explained_energy_`,
            and comes closer to it with more components. Below 0 where always returning the mean would be better.

        Raises:
            NotFittedError, ValueError: before `fit`; for sequences of another width or that never leave the mean.
        """
        memory = self._memory()
        arrays = as_sequences(sequences)
        states = np.concatenate([memory.transform(array) for array in arrays])
        energy = squared_norm([array - memory.mean for array in arrays])
        if not energy > 0:
            raise ValueError("these sequences never differ from the mean, so there is no energy to keep")
        G = linalg.solve_discrete_lyapunov(memory.B, memory.A @ memory.A.T)
        return float((2 * np.square(states).sum() - np.sum((states @ G) * states)) / energy)

    def _memory(self) -> LinearMemory:
        if not hasattr(self, "A_"):
            raise NotFittedError("this LinearAutoencoder is not fitted yet; call fit first")
        return LinearMemory(self.A_, self.B_, self.mean_)


def fit_autoencoder(
    sequences: Sequence[npt.ArrayLike], size: int, *, centre: bool = True, shared: Shared = NOT_SHARED
) -> LinearAutoencoder:
    """Return the LAES of `size` cells, or of the history's rank if that is less: then its state holds all of the past.

    Args:
        sequences: arrays (time, inputs) of any lengths.
        size: how many cells at most.
        centre: whether it subtracts the mean over all frames.
        shared: see `LinearAutoencoder.fit`.

    Returns:
        The autoencoder, fitted.

    Raises:
        ValueError: as `LinearAutoencoder.fit` does.
    """
    while True:  # of fewer components the rank may come out lower: another algorithm judges it
        try:
            return LinearAutoencoder(size, centre=centre).fit(sequences, shared=shared)
        except RankError as error:
            size = error.rank
