"""Static linear memories: y_t = A u_t + B y_{t-1} with weights that know nothing of the data.

An encoding memory is compared with them: same size, same recursion, no training. Each function returns A and B
as float64, with which the memory component of an LMN starts (W_hm = A, W_mm = B) or whose states are read out as they
are; the mean is 0. All but the echo state network have |B|_2 <= 1, the set in which training keeps W_mm.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from lmn_music.memory.linear import LinearMemory
from lmn_music.memory.sequences import FloatArray


def delay_line(inputs: int, size: int) -> LinearMemory:
    """Return the shift register over the last size / inputs frames: input i is held by cells i, inputs + i, ...

    If `inputs` does not divide `size`, the oldest frame keeps only its first cells.

    Args:
        inputs: the length of a frame.
        size: how many cells.

    Raises:
        ValueError: for fewer cells than inputs, some of which would not be remembered at all: feed such a memory with
            projections (`LinearMemory.of`).
    """
    _check_room(inputs, size)
    return LinearMemory(np.eye(size, inputs), np.eye(size, k=-inputs))


def orthogonal(inputs: int, size: int, generator: np.random.Generator, radius: float = 1.0) -> LinearMemory:
    """Return a random memory that forgets in no direction faster than in another: B' B = radius^2 I.

    B is `radius` times an orthogonal matrix from the Haar distribution; the entries of A are normal, its columns scaled
    to length 1, so that an input writes as much as into a delay line.

    Args:
        inputs: the length of a frame.
        size: how many cells.
        generator: where random numbers come from.
        radius: how much of the state is left after a frame, above 0 and at most 1.

    Raises:
        ValueError: for a radius out of range.
    """
    if not 0 < radius <= 1:
        raise ValueError(f"radius is {radius}; an orthogonal memory has one above 0, and above 1 its states explode")
    A = _random_input(inputs, size, generator)
    return LinearMemory(A, radius * random_rotation(size, generator))


def echo_state(inputs: int, size: int, generator: np.random.Generator, radius: float = 0.9) -> LinearMemory:
    """Return the linear part of an echo state network (Jaeger 2001): B normal, scaled to spectral radius `radius` < 1.

    A is as in `orthogonal`. B is not normal, and its spectral norm is about twice its spectral radius: a network that
    clips the singular values of W_mm at 1 changes this memory.

    Args:
        inputs: the length of a frame.
        size: how many cells.
        generator: where random numbers come from.
        radius: the spectral radius, above 0 and below 1.

    Raises:
        ValueError: for a radius out of range.
    """
    if not 0 < radius < 1:
        raise ValueError(f"radius is {radius}; an echo state network has a spectral radius between 0 and 1")
    A = _random_input(inputs, size, generator)
    B = generator.standard_normal((size, size))
    return LinearMemory(A, B * (radius / np.abs(linalg.eigvals(B)).max()))


def legendre(inputs: int, size: int, window: float) -> LinearMemory:
    """Return the Legendre delay network of each input over the last `window` frames, in a basis with |B|_2 <= 1.

    Source: Voelker, Kajic, Eliasmith, "Legendre Memory Units", NeurIPS 2019: q cells per input whose states m obey
    m' = F m + g u, an approximation (Pade) of the delay of `window`; they hold the projections of the window on the
    first q Legendre polynomials. Here it is discretised with zero-order hold over one frame. Each input has
    q = size // inputs cells, next to one another; the first size % inputs inputs have one more. B is block-diagonal.

    In the basis of the paper, m_t = F m_{t-1} + g u_t, |F|_2 is above 1. With P = E[m m'] for white noise of unit
    variance, the solution of P = F P F' + g g', and its Cholesky factor P = K K', the states returned are y = K^-1 m.
    Then A A' + B B' = I, as for the LAES at full rank, so that |B|_2 <= 1. What can be read out linearly from the
    states is the same in both bases, and cell i of an input mixes only the polynomials up to degree i.

    Args:
        inputs: the length of a frame.
        size: how many cells, all inputs together.
        window: how many frames to hold; at least the cells of an input.

    Raises:
        ValueError: for fewer cells than inputs (see `delay_line`) and for more cells per input than frames in the
            window, between which only rounding could tell; also for so many cells per input in a window little longer
            (above forty) that rounding spoils them.
    """
    _check_room(inputs, size)
    most = -(-size // inputs)
    if window < most:
        raise ValueError(
            f"{size} cells are {most} per input: the window must have at least {most} frames, not {window}"
        )
    A, B = np.zeros((size, inputs)), np.zeros((size, size))
    for channel in range(inputs):
        first = channel * (size // inputs) + min(channel, size % inputs)
        cells = slice(first, first + size // inputs + (channel < size % inputs))
        transition, write = _delay_network(cells.stop - cells.start, window)
        K = _root_of_energy(transition, write)
        A[cells, channel] = linalg.solve_triangular(K, write, lower=True)
        B[cells, cells] = linalg.solve_triangular(K, transition @ K, lower=True)
    if not np.allclose(A @ A.T + B @ B.T, np.eye(size), atol=1e-4):
        raise ValueError(
            f"{most} cells per input for {window:g} frames are more than double precision can tell apart: give fewer "
            "cells, or a longer window"
        )
    return LinearMemory(A, B)


def _root_of_energy(transition: FloatArray, write: FloatArray) -> FloatArray:
    """Return the Cholesky factor K of P = F P F' + g g', from the impulse response: P itself is near singular."""
    response = [write]
    while np.linalg.norm(response[-1]) > 1e-12 * np.linalg.norm(write):
        response.append(transition @ response[-1])
    triangle = np.linalg.qr(np.array(response), mode="r")
    return np.asarray((triangle * np.sign(np.diagonal(triangle))[:, None]).T)


def _delay_network(order: int, window: float) -> tuple[FloatArray, FloatArray]:
    """Return the discretised delay network m_t = F m_{t-1} + g u_t of one input: F (order, order), g (order,)."""
    i, j = np.arange(order)[:, None], np.arange(order)
    signs = np.where(i < j, -1.0, (-1.0) ** (i - j + 1))
    # One exponential holds both: exp [[F, g], [0, 0]] = [[exp F, the integral of exp(F s) g over one frame], [0, 1]].
    both = np.zeros((order + 1, order + 1))
    both[:order, :order] = (2 * i + 1) * signs / window
    both[:order, order] = (2 * j + 1) * (-1.0) ** j / window
    exponential = linalg.expm(both)
    return np.asarray(exponential[:order, :order]), np.asarray(exponential[:order, order])


def random_rotation(size: int, generator: np.random.Generator) -> FloatArray:
    """Return an orthogonal matrix (size, size) from the Haar distribution (Mezzadri, Notices of the AMS 54, 2007)."""
    Q, R = linalg.qr(generator.standard_normal((size, size)))
    return np.asarray(Q * np.sign(np.diagonal(R)))


def _random_input(inputs: int, size: int, generator: np.random.Generator) -> FloatArray:
    if inputs < 1 or size < 1:
        raise ValueError(f"a memory has at least 1 input and 1 cell, not {inputs} and {size}")
    A = generator.standard_normal((size, inputs))
    return np.asarray(A / np.linalg.norm(A, axis=0))


def _check_room(inputs: int, size: int) -> None:
    if not 1 <= inputs <= size:
        raise ValueError(
            f"{size} cells cannot hold a frame of {inputs} inputs; give a memory for fewer inputs their projections "
            "(LinearMemory.of, principal_components)"
        )
