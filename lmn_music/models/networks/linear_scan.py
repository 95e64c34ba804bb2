"""A linear recurrence over time, m_t = W m_{t-1} + u_t, in about 14 log_8(time) products instead of `time`.

Time is cut into chunks of eight frames, and all chunks run side by side, as songs of a larger batch: first each from
zero, which gives what it adds to the memory; then the memories at the ends of the chunks, the same recurrence with the
eighth power of W, an eighth as long, and cut in the same way; then all chunks again, each from its start. That is twice
the arithmetic of the loop, in products so large that a processor is busy with them. Backward it is the same recurrence
with the transposed matrix, from the last frame to the first.

Source: the chunked form of a prefix sum (Blelloch, "Prefix sums and their applications", 1990; Martin and Cundy,
"Parallelizing linear recurrent neural nets over sequence length", ICLR 2018).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = 8  # frames
SHORT = 16  # frames that are not worth cutting


def linear_scan(u: Tensor, m: Tensor, W: Tensor) -> Tensor:
    """Run m_t = W m_{t-1} + u_t over time; first derivatives only.

    Args:
        u: (time, batch, size), what is added in each frame.
        m: (batch, size), the memory before the first frame.
        W: (size, size); or (size,), the diagonal of a matrix whose other entries are zero. Real or complex. Its powers
            should not grow: for a matrix |W|_2 <= 1, for a diagonal |w_i| <= 1.

    Returns:
        m_t, (time, batch, size), in the precision of W, also under autocast.
    """
    u, m = u.to(W.dtype), m.to(W.dtype)
    with torch.autocast(u.device.type, enabled=False):
        return _LinearScan.apply(u, m, W)  # type: ignore[no-any-return]


class _LinearScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor, m: Tensor, W: Tensor) -> Tensor:
        ms = _run(u, m, _transposed(W).contiguous())
        ctx.save_for_backward(ms, m, W)
        return ms

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Any:
        ms, m, W = ctx.saved_tensors
        with torch.autocast(ms.device.type, enabled=False):
            # d loss / d m_t, from the last frame to the first
            delta = _run(grad.flip(0), torch.zeros_like(m), W.conj()).flip(0)
            before = torch.cat([m.unsqueeze(0), ms[:-1]])
            if W.dim() == 1:
                return delta, delta[0] * W.conj(), (delta * before.conj()).sum(dim=(0, 1))
            flat = delta.reshape(-1, delta.shape[-1])
            return delta, delta[0] @ W.conj(), flat.t() @ before.reshape(flat.shape).conj()


def _run(u: Tensor, m: Tensor, W: Tensor) -> Tensor:
    """Return m_t = m_{t-1} W + u_t for rows m_t, or m_t = m_{t-1} * W for a diagonal."""
    time, batch, size = u.shape
    if time <= SHORT:
        return torch.stack(_frames(u, m, W))
    count = -(-time // CHUNK)
    padded = torch.nn.functional.pad(u, (0, 0, 0, 0, 0, count * CHUNK - time))
    # (CHUNK, count * batch, size): the same frame of all chunks side by side
    beside = padded.view(count, CHUNK, batch, size).transpose(0, 1).reshape(CHUNK, count * batch, size)
    added = _frames(beside[1:], beside[0], W)[-1]
    power = W**CHUNK if W.dim() == 1 else torch.linalg.matrix_power(W, CHUNK)
    ends = _run(added.view(count, batch, size), m, power)
    starts = torch.cat([m.unsqueeze(0), ends[:-1]]).view(count * batch, size)
    inner = _frames(beside[:-1], starts, W)  # the last frame of each chunk is known already
    ms = torch.stack([*inner, ends.reshape(count * batch, size)]).view(CHUNK, count, batch, size)
    return ms.transpose(0, 1).reshape(count * CHUNK, batch, size)[:time]


def _frames(u: Tensor, m: Tensor, W: Tensor) -> list[Tensor]:
    """Return the memories of all frames, one after the other."""
    found = []
    for frame in u:
        m = _add_product(frame, m, W)
        found.append(m)
    return found


def _add_product(summand: Tensor, m: Tensor, W: Tensor) -> Tensor:
    return torch.addcmul(summand, m, W) if W.dim() == 1 else torch.addmm(summand, m, W)


def _transposed(W: Tensor) -> Tensor:
    return W if W.dim() == 1 else W.t()
