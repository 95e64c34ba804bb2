"""The recurrence of the Linear Memory Network over time, forward and backward.

    h_t = tanh(u_t + W_mh m_{t-1})             functional component, u_t = W_xh x_t + b_h
    m_t = W_hm h_t + W_mm m_{t-1} + b_m        memory component, linear

Source: Bacciu, Carta, Sperduti, "Linear Memory Networks", ICANN 2019, equations 1 and 2. Backward by hand: every weight
gradient is a single product over all frames, and the results of each frame are written where they stay, because a scan
over a long batch spends its time waiting for memory. docs/performance.md has the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Step = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def scan_step(u: Tensor, m: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, b_m: Tensor) -> tuple[Tensor, Tensor]:
    """Advance by one frame.

    Args:
        u: (batch, hidden_size), W_xh x_t + b_h.
        m: (batch, memory_size), the memory before the frame.
        W_mh, W_hm, W_mm, b_m: see `scan`.

    Returns:
        h (batch, hidden_size) and m (batch, memory_size) of this frame.
    """
    recurrent = m @ torch.cat([W_mh, W_mm]).t()
    hidden_size = len(W_mh)
    h = torch.tanh(u + recurrent[:, :hidden_size])
    return h, torch.addmm(recurrent[:, hidden_size:] + b_m, h, W_hm.t())


def reference_scan(
    u: Tensor, m: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, b_m: Tensor, *, step: Step = scan_step
) -> tuple[Tensor, Tensor]:
    """Run a step over all frames by ordinary autograd: the plain loop that `scan` is checked against."""
    hs, ms = [], []
    for u_t in u:
        h, m = step(u_t, m, W_mh, W_hm, W_mm, b_m)
        hs.append(h)
        ms.append(m)
    return torch.stack(hs), torch.stack(ms)


def scan(u: Tensor, m: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, b_m: Tensor) -> tuple[Tensor, Tensor]:
    """Run the recurrence over time; first derivatives only.

    Args:
        u: (time, batch, hidden_size), the input's part of the functional component, W_xh x_t + b_h.
        m: (batch, memory_size), the memory before the first frame.
        W_mh: (hidden_size, memory_size).
        W_hm: (memory_size, hidden_size).
        W_mm: (memory_size, memory_size).
        b_m: (memory_size,).

    Returns:
        h (time, batch, hidden_size) and m (time, batch, memory_size), in the precision of the weights, also under
        autocast.
    """
    u, m = u.to(W_mm.dtype), m.to(W_mm.dtype)
    if torch.compiler.is_exporting():  # a program that is exported consists of operations that every runtime has
        return reference_scan(u, m, W_mh, W_hm, W_mm, b_m)
    with torch.autocast(u.device.type, enabled=False):
        return _Scan.apply(u, m, W_mh, W_hm, W_mm, b_m)  # type: ignore[no-any-return]


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor, m: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, b_m: Tensor) -> Any:
        ctx.set_materialize_grads(False)
        time, batch, hidden_size = u.shape
        mh, hm, mm = (W.t().contiguous() for W in (W_mh, W_hm, W_mm))
        hs, ms = u.new_empty(time, batch, hidden_size), m.new_empty(time + 1, *m.shape)
        ms[0] = m
        h, m_before = hs.unbind(), ms.unbind()  # m_before[t] is m_{t-1}
        for t, u_t in enumerate(u.unbind()):
            torch.addmm(u_t, m_before[t], mh, out=h[t]).tanh_()
            torch.addmm(b_m, m_before[t], mm, out=m_before[t + 1]).addmm_(h[t], hm)
        ctx.save_for_backward(hs, ms, W_mh, W_hm, W_mm)
        return hs, ms[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: Tensor | None, grad_m: Tensor | None) -> Any:
        hs, ms, W_mh, W_hm, W_mm = ctx.saved_tensors
        with torch.autocast(hs.device.type, enabled=False):
            delta, delta_m = _gradients(hs, ms, W_mh, W_hm, W_mm, grad_h, grad_m)
            return delta, delta_m[0].clone(), *weight_gradients(delta, delta_m, hs, ms, ctx.needs_input_grad[2:])


def _gradients(
    hs: Tensor, ms: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, grad_h: Tensor | None, grad_m: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return the gradients of u and of all m_{t-1}; those that come in are None where they are zero."""
    time = len(hs)
    # d loss / d (argument of tanh), and d loss / d m_{t-1}, frame by frame
    delta_a, delta_m = torch.empty_like(hs), torch.empty_like(ms)
    a, m_before, h = delta_a.unbind(), delta_m.unbind(), hs.unbind()
    from_h = [None] * time if grad_h is None else grad_h.unbind()
    from_m = [None] * time if grad_m is None else grad_m.unbind()
    if grad_m is None:
        m_before[time].zero_()
    else:
        m_before[time].copy_(grad_m[-1])
    for t in range(time - 1, -1, -1):
        add_product(from_h[t], m_before[t + 1], W_hm, out=a[t])
        torch.ops.aten.tanh_backward.grad_input(a[t], h[t], grad_input=a[t])
        add_product(from_m[t - 1] if t else None, a[t], W_mh, out=m_before[t])
        m_before[t].addmm_(m_before[t + 1], W_mm)
    return delta_a, delta_m


def weight_gradients(
    delta: Tensor, delta_m: Tensor, hs: Tensor, ms: Tensor, asked: Sequence[bool]
) -> tuple[Tensor | None, ...]:
    """Return the gradients of W_mh, W_hm, W_mm and b_m, each a single product over all frames.

    Args:
        delta: (time, batch, rows), the gradient of W_mh m_{t-1}.
        delta_m: (time + 1, batch, memory_size), the gradient of m_{t-1}.
        hs: (time, batch, hidden_size), h_t.
        ms: (time + 1, batch, memory_size), m_{t-1}.
        asked: for each of the four, whether it learns; where none does, all four gradients are None.
    """
    if not any(asked):
        return (None,) * 4
    before, flat, flat_m = (x.reshape(-1, x.shape[-1]) for x in (ms[:-1], delta, delta_m[1:]))
    return flat.t() @ before, flat_m.t() @ hs.reshape(-1, hs.shape[-1]), flat_m.t() @ before, flat_m.sum(dim=0)


def add_product(summand: Tensor | None, x: Tensor, W: Tensor, *, out: Tensor) -> None:
    """Set out = summand + x W; None is zero."""
    if summand is None:
        torch.mm(x, W, out=out)
    else:
        torch.addmm(summand, x, W, out=out)
