"""The diagonal structured state space S4D, written from the paper's formulas.

Source: Gu, Gupta, Goel, Re, "On the parameterization and initialization of diagonal state space models", NeurIPS 2022:
the kernel is equation 6, the start S4D-Lin.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class S4D(nn.Module):
    """For each input a recurrence of its own, which a Fourier transform computes as a convolution.

        s' = A s + B u,  y = 2 Re(C s) + D u,          A = diag(-exp(a) + i b), B = 1, held over steps of exp(d)
        y_t = sum_l K_l u_{t-l} + D u_t,               K_l = 2 Re sum_n C_n (exp(step A_n) - 1) / A_n exp(l step A_n)

    At first A_n = -1/2 + i pi n (S4D-Lin), C is complex normal, D normal, and the logarithm of the step uniform between
    those of the two steps. Conjugate pairs are kept once.

    Args:
        size: the numbers of a frame of the input and of the output.
        states: the complex numbers of the state of each input.
        steps: the shortest and the longest step at first.
    """

    def __init__(self, size: int, states: int, *, steps: tuple[float, float] = (1e-3, 1e-1)) -> None:
        super().__init__()
        low, high = map(math.log, steps)
        self.d = nn.Parameter(torch.rand(size) * (high - low) + low)
        self.a = nn.Parameter(torch.full((size, states), math.log(0.5)))
        self.b = nn.Parameter(math.pi * torch.arange(states).float().repeat(size, 1))
        self.C = nn.Parameter(torch.randn(size, states, 2) / math.sqrt(2))
        self.D = nn.Parameter(torch.randn(size))
        self.output_size = size

    def discrete(self) -> tuple[Tensor, Tensor]:
        """Return what one frame does, held over a step: exp(step A) and C (exp(step A) - 1) / A, (size, states)."""
        A = torch.complex(-torch.exp(self.a), self.b)
        each = torch.exp(self.d).unsqueeze(1) * A
        return each, torch.view_as_complex(self.C) * torch.expm1(each) / A

    def kernel(self, length: int) -> Tensor:
        """Return K_l, (size, length)."""
        each, C = self.discrete()
        powers = torch.exp(each.unsqueeze(2) * torch.arange(length, device=each.device))
        return 2 * torch.einsum("hn,hnl->hl", C, powers).real

    def forward(self, u: Tensor, state: None = None) -> tuple[Tensor, Tensor]:
        """Run over time from an empty state.

        Args:
            u: (time, batch, size).
            state: a convolution has none; it must not be given.

        Returns:
            y (time, batch, size), and an empty tensor in the place of a state.
        """
        assert state is None, "a convolution begins at the first frame"
        time = len(u)
        length = 2 * time  # no frame wraps around
        K = torch.fft.rfft(self.kernel(time), n=length)  # (size, length / 2 + 1)
        of_u = torch.fft.rfft(u.permute(1, 2, 0), n=length)
        y = torch.fft.irfft(of_u * K, n=length)[..., :time]
        return y.permute(2, 0, 1) + self.D * u, u.new_zeros(0)
