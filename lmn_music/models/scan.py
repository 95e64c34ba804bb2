"""The recurrence of the Linear Memory Network over time, forward and backward.

    h_t = tanh(u_t + W_mh m_{t-1})             functional component, u_t = W_xh x_t + b_h
    m_t = W_hm h_t + W_mm m_{t-1} + b_m        memory component, linear

Source: Bacciu, Carta, Sperduti, "Linear Memory Networks", ICANN 2019, equations 1 and 2. Backward by hand: one fused
product [W_mh; W_mm] per frame in each direction, and every weight gradient as a single product over all frames.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def scan_step(u: Tensor, m: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, b_m: Tensor) -> tuple[Tensor, Tensor]:
    """Advance one frame: u (batch, hidden), m (batch, memory) -> h (batch, hidden), m (batch, memory)."""
    recurrent = m @ torch.cat([W_mh, W_mm]).t()
    hidden_size = len(W_mh)
    h = torch.tanh(u + recurrent[:, :hidden_size])
    return h, torch.addmm(recurrent[:, hidden_size:] + b_m, h, W_hm.t())


def reference_scan(
    u: Tensor, m: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, b_m: Tensor
) -> tuple[Tensor, Tensor]:
    """Run `scan_step` over all frames by ordinary autograd: the plain loop that `scan` is checked against."""
    hs, ms = [], []
    for u_t in u:
        h, m = scan_step(u_t, m, W_mh, W_hm, W_mm, b_m)
        hs.append(h)
        ms.append(m)
    return torch.stack(hs), torch.stack(ms)


def scan(u: Tensor, m: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, b_m: Tensor) -> tuple[Tensor, Tensor]:
    """Run the recurrence over time.

    u: (time, batch, hidden), the input's part of the functional component, W_xh x_t + b_h.
    m: (batch, memory), the memory before the first frame.
    W_mh (hidden, memory), W_hm (memory, hidden), W_mm (memory, memory), b_m (memory,).
    Returns h (time, batch, hidden) and m (time, batch, memory), in the precision of the weights, also under autocast.
    First derivatives only.
    """
    u, m = u.to(W_mm.dtype), m.to(W_mm.dtype)
    with torch.autocast(u.device.type, enabled=False):
        return _Scan.apply(u, m, W_mh, W_hm, W_mm, b_m)  # type: ignore[no-any-return]


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor, m: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, b_m: Tensor) -> Any:
        time, batch, hidden_size = u.shape
        memory_size = len(W_mm)
        fused = torch.cat([W_mh, W_mm]).t().contiguous()
        W_hm_t = W_hm.t()
        h = torch.empty_like(u)
        ms = u.new_empty(time + 1, batch, memory_size)  # ms[t] is m_{t-1}
        ms[0] = m
        recurrent = u.new_empty(batch, hidden_size + memory_size)
        to_hidden, to_memory = recurrent.split([hidden_size, memory_size], dim=1)
        for t in range(time):
            torch.mm(ms[t], fused, out=recurrent)
            torch.add(u[t], to_hidden, out=h[t]).tanh_()
            torch.add(to_memory, b_m, out=ms[t + 1]).addmm_(h[t], W_hm_t)
        ctx.save_for_backward(h, ms, W_mh, W_hm, W_mm)
        return h, ms[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: Tensor, grad_m: Tensor) -> Any:
        h, ms, W_mh, W_hm, W_mm = ctx.saved_tensors
        time, batch, hidden_size = h.shape
        memory_size = len(W_mm)
        fused = torch.cat([W_mh, W_mm])
        slope = 1 - h * h
        # deltas[t] = [d loss / d (argument of tanh) | d loss / d m_t]
        deltas = h.new_empty(time, batch, hidden_size + memory_size)
        delta_a, delta_m = deltas.split([hidden_size, memory_size], dim=2)
        carry = h.new_zeros(batch, memory_size)
        for t in range(time - 1, -1, -1):
            torch.add(grad_m[t], carry, out=delta_m[t])
            torch.mul(torch.addmm(grad_h[t], delta_m[t], W_hm), slope[t], out=delta_a[t])
            torch.mm(deltas[t], fused, out=carry)
        flat = deltas.reshape(time * batch, -1)
        grad_fused = flat.t() @ ms[:-1].reshape(time * batch, -1)
        flat_m = flat[:, hidden_size:]
        return (
            delta_a,
            carry,
            grad_fused[:hidden_size],
            flat_m.t() @ h.reshape(time * batch, -1),
            grad_fused[hidden_size:],
            flat_m.sum(dim=0),
        )
