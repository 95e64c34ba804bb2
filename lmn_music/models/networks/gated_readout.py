"""The readout of the gated Linear Memory Network: y = 2 m * sigmoid(W_xo x + W_mo m + b_o), forward and backward.

Backward by hand, so that a long batch passes through memory a few times and not a dozen times.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def gated_readout(x: Tensor, m: Tensor, W_xo: Tensor, W_mo: Tensor, b_o: Tensor) -> Tensor:
    """Return what is read of a memory; first derivatives only.

    Args:
        x: (..., input_size), the input.
        m: (..., memory_size), the memory.
        W_xo: (memory_size, input_size).
        W_mo: (memory_size, memory_size).
        b_o: (memory_size,).

    Returns:
        (..., memory_size), in the precision of the weights, also under autocast.
    """
    x, m = x.to(W_mo.dtype), m.to(W_mo.dtype)
    with torch.autocast(m.device.type, enabled=False):
        return _GatedReadout.apply(x, m, W_xo, W_mo, b_o)  # type: ignore[no-any-return]


class _GatedReadout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, m: Tensor, W_xo: Tensor, W_mo: Tensor, b_o: Tensor) -> Tensor:
        flat_x, flat_m = x.reshape(-1, x.shape[-1]), m.reshape(-1, m.shape[-1])
        s = torch.addmm(b_o, flat_x, W_xo.t()).addmm_(flat_m, W_mo.t()).sigmoid_()
        y = torch.addcmul(s.new_zeros(()), flat_m, s, value=2)
        ctx.save_for_backward(flat_x, flat_m, s, y, W_xo, W_mo)
        return y.view(m.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, m, s, y, W_xo, W_mo = ctx.saved_tensors
        with torch.autocast(m.device.type, enabled=False):
            shape, grad = grad.shape, grad.reshape(m.shape)
            of_gate = grad * y
            of_gate.addcmul_(of_gate, s, value=-1)  # d loss / d (argument of the sigmoid)
            of_m = torch.addcmul(s.new_zeros(()), grad, s, value=2).addmm_(of_gate, W_mo).view(shape)
            of_x = (of_gate @ W_xo).view(*shape[:-1], -1) if ctx.needs_input_grad[0] else None
            return of_x, of_m, of_gate.t() @ x, of_gate.t() @ m, of_gate.sum(dim=0)
