"""The recurrence of the gated Linear Memory Network over time, forward and backward.

    [a_t, g_t] = u_t + W_mh m_{t-1}            u_t = W_xh x_t + b_h, with two rows for each hidden unit
    h_t = tanh(a_t) * sigmoid(g_t)             functional component
    m_t = W_hm h_t + W_mm m_{t-1} + b_m        memory component, linear

Backward by hand, as in `lmn_music.models.networks.scan`. tanh(a) is 2 sigmoid(2 a) - 1, so that one call of sigmoid
does both halves; torch's tanh takes ten times as long as its sigmoid on a CPU.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lmn_music.models.networks.scan import add_product, reference_scan, weight_gradients

BLOCK = (
    1 << 15
)  # numbers whose derivatives are made at once: few calls for small batches, and no more than a cache holds


def gated(z: Tensor) -> Tensor:
    """Return tanh(a) * sigmoid(g).

    Args:
        z: (..., 2 * hidden_size), a and then g.

    Returns:
        (..., hidden_size).
    """
    a, g = z.chunk(2, dim=-1)
    return torch.tanh(a) * torch.sigmoid(g)


def gated_step(u: Tensor, m: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, b_m: Tensor) -> tuple[Tensor, Tensor]:
    """Advance by one frame.

    Args:
        u: (batch, 2 * hidden_size), W_xh x_t + b_h.
        m: (batch, memory_size), the memory before the frame.
        W_mh, W_hm, W_mm, b_m: see `gated_scan`.

    Returns:
        h (batch, hidden_size) and m (batch, memory_size) of this frame.
    """
    h = gated(torch.addmm(u, m, W_mh.t()))
    return h, torch.addmm(torch.addmm(b_m, m, W_mm.t()), h, W_hm.t())


def gated_scan(u: Tensor, m: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, b_m: Tensor) -> tuple[Tensor, Tensor]:
    """Run the recurrence over time; first derivatives only.

    Args:
        u: (time, batch, 2 * hidden_size), the input's part of the functional component, W_xh x_t + b_h.
        m: (batch, memory_size), the memory before the first frame.
        W_mh: (2 * hidden_size, memory_size).
        W_hm: (memory_size, hidden_size).
        W_mm: (memory_size, memory_size).
        b_m: (memory_size,).

    Returns:
        h (time, batch, hidden_size) and m (time, batch, memory_size), in the precision of the weights, also under
        autocast.
    """
    u, m = u.to(W_mm.dtype), m.to(W_mm.dtype)
    if torch.compiler.is_exporting():
        return reference_scan(u, m, W_mh, W_hm, W_mm, b_m, step=gated_step)
    with torch.autocast(u.device.type, enabled=False):
        return _GatedScan.apply(u, m, W_mh, W_hm, W_mm, b_m)  # type: ignore[no-any-return]


class _GatedScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor, m: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, b_m: Tensor) -> Any:
        ctx.set_materialize_grads(False)
        time, batch, rows = u.shape
        size = rows // 2
        scale = torch.ones_like(b_m[:1]).expand(rows).clone()
        scale[:size] = 2  # of a
        mh, hm, mm = (W.t().contiguous() for W in (scale.unsqueeze(1) * W_mh, W_hm, W_mm))
        ss, hs, ms = scale * u, u.new_empty(time, batch, size), m.new_empty(time + 1, *m.shape)
        ms[0] = m
        s, h, m_before = ss.unbind(), hs.unbind(), ms.unbind()  # m_before[t] is m_{t-1}
        s_a, s_g = ss[..., :size].unbind(), ss[..., size:].unbind()
        for t in range(time):
            s[t].addmm_(m_before[t], mh).sigmoid_()
            torch.sub(s_a[t], 0.5, out=h[t]).mul_(s_g[t])  # h / 2
            torch.addmm(b_m, m_before[t], mm, out=m_before[t + 1]).addmm_(h[t], hm, alpha=2)
        hs.mul_(2)
        ctx.save_for_backward(ss, hs, ms, W_mh, W_hm, W_mm)
        return hs, ms[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: Tensor | None, grad_m: Tensor | None) -> Any:
        ss, hs, ms, W_mh, W_hm, W_mm = ctx.saved_tensors
        with torch.autocast(hs.device.type, enabled=False):
            delta, delta_m = _gradients(ss, hs, ms, W_mh, W_hm, W_mm, grad_h, grad_m)
            return delta, delta_m[0].clone(), *weight_gradients(delta, delta_m, hs, ms, ctx.needs_input_grad[2:])


def _gradients(
    ss: Tensor,
    hs: Tensor,
    ms: Tensor,
    W_mh: Tensor,
    W_hm: Tensor,
    W_mm: Tensor,
    grad_h: Tensor | None,
    grad_m: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Return the gradients of u and of all m_{t-1}; those that come in are None where they are zero."""
    time, batch, size = hs.shape
    # d loss / d [a_t, g_t], and d loss / d m_{t-1}, frame by frame
    delta, delta_m = torch.empty_like(ss), torch.empty_like(ms)
    both, m_before = delta.unbind(), delta_m.unbind()
    halves = delta.view(time, batch, 2, size).unbind()
    delta_h = hs.new_empty(batch, size)
    of_both = delta_h.unsqueeze(1)
    from_h = [None] * time if grad_h is None else grad_h.unbind()
    from_m = [None] * time if grad_m is None else grad_m.unbind()
    if grad_m is None:
        m_before[time].zero_()
    else:
        m_before[time].copy_(grad_m[-1])
    frames = max(1, BLOCK // (2 * size * batch))
    for end in range(time, 0, -frames):
        block = slice(max(0, end - frames), end)
        _derivatives(ss[block], hs[block], delta[block])
        for t in range(end - 1, block.start - 1, -1):
            add_product(from_h[t], m_before[t + 1], W_hm, out=delta_h)
            halves[t].mul_(of_both)
            add_product(from_m[t - 1] if t else None, both[t], W_mh, out=m_before[t])
            m_before[t].addmm_(m_before[t + 1], W_mm)
    return delta, delta_m


def _derivatives(s: Tensor, h: Tensor, out: Tensor) -> None:
    """Set out = [dh/da, dh/dg] = [(1 - tanh(a)^2) sigmoid(g), h (1 - sigmoid(g))], with s = sigmoid([2 a, g])."""
    s_a, s_g = s.chunk(2, dim=-1)
    of_a, of_g = out.chunk(2, dim=-1)
    torch.addcmul(s_a, s_a, s_a, value=-1, out=of_a)  # (1 - tanh(a)^2) / 4
    of_a.mul_(s_g).mul_(4)
    torch.addcmul(h, h, s_g, value=-1, out=of_g)
