"""The linear recurrent unit, written from the paper's formulas.

Source: Orvieto, Smith, Gu, Fernando, Gulcehre, Pascanu, De, "Resurrecting recurrent neural networks for long
sequences", ICML 2023, section 3 and appendix A.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from lmn_music.models.networks.linear_scan import linear_scan


class LRU(nn.Module):
    """A diagonal complex recurrence, computed for all frames at once.

        s_t = diag(lambda) s_{t-1} + diag(gamma) B u_t,    lambda = exp(-exp(nu) + i exp(theta))
        y_t = Re(C s_t) + D * u_t,                         gamma = (1 - |lambda|^2)^1/2 at first

    At first |lambda|^2 is uniform between the squares of the radii and its phase uniform up to `phase`; the entries of
    B are complex normal with variance 1 / size, of C with variance 1 / states, of D normal.

    Args:
        size: the numbers of a frame of the input and of the output.
        states: the complex numbers of the state.
        radii: the least and the largest |lambda| at first.
        phase: the largest phase at first, in radians.
    """

    def __init__(
        self, size: int, states: int, *, radii: tuple[float, float] = (0.9, 0.999), phase: float = math.pi / 5
    ) -> None:
        super().__init__()
        low, high = radii
        squared = torch.rand(states) * (high**2 - low**2) + low**2
        self.nu = nn.Parameter(torch.log(-0.5 * torch.log(squared)))
        self.theta = nn.Parameter(torch.log(phase * torch.rand(states).clamp(min=1e-4)))
        self.gamma = nn.Parameter(0.5 * torch.log(1 - squared))
        self.B = nn.Parameter(torch.randn(states, size, 2) / math.sqrt(2 * size))
        self.C = nn.Parameter(torch.randn(size, states, 2) / math.sqrt(2 * states))
        self.D = nn.Parameter(torch.randn(size))
        self.output_size = size

    @property
    def eigenvalues(self) -> Tensor:
        """lambda, (states,), complex."""
        return torch.polar(torch.exp(-torch.exp(self.nu)), torch.exp(self.theta))

    def forward(self, u: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over time.

        Args:
            u: (time, batch, size).
            state: (batch, states), complex, before the first frame; zeros if not given.

        Returns:
            y (time, batch, size), and the last state.
        """
        real, imaginary = (torch.exp(self.gamma) * (u @ part.t()) for part in self.B.unbind(2))
        first = real.new_zeros(u.shape[1], len(self.nu), dtype=torch.complex64) if state is None else state
        s = linear_scan(torch.complex(real, imaginary), first, self.eigenvalues)
        of_real, of_imaginary = self.C.unbind(2)
        return s.real @ of_real.t() - s.imag @ of_imaginary.t() + self.D * u, s[-1]
