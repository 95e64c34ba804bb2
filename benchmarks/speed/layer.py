"""The LMN layer, forward and backward, beside torch's recurrent layers, the plain loop, and the limit.

The limit: the matrix products that the recurrence cannot avoid, and nothing else. Forward [W_mh; W_mm] m and W_hm h for
each frame, W_xh x for all at once; backward the same with the transposes, and every weight gradient as one product.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from measure import in_turn, median, ratio, store
from torch import Tensor, nn

from lmn_music.models.networks.lmn import LMN
from lmn_music.models.networks.scan import reference_scan

TIME = 100
SHAPES = [(64, 32), (128, 32), (256, 32), (512, 32), (64, 700)]  # hidden = memory, batch; the last: the tied model


def limit(x: Tensor, size: int) -> Callable[[], None]:
    """Return a function that does the products alone."""
    time, batch, _ = x.shape
    fused, W = torch.randn(size, 2 * size), torch.randn(size, size)
    m, both, out, wide = (
        torch.randn(batch, size),
        torch.randn(batch, 2 * size),
        torch.empty(batch, size),
        torch.empty(batch, 2 * size),
    )
    back = fused.t().contiguous()
    flat, flat_both = x.reshape(time * batch, size), torch.randn(time * batch, 2 * size)

    def products() -> None:
        torch.mm(flat, W)
        for _ in range(time):
            torch.mm(m, fused, out=wide)
            torch.mm(m, W, out=out)
        for _ in range(time):
            torch.mm(m, W, out=out)
            torch.mm(both, back, out=out)
        torch.mm(flat_both.t(), flat)
        torch.mm(flat.t(), flat)
        torch.mm(flat.t(), flat)

    return products


def measure(size: int, batch: int) -> dict[str, float]:
    """Return milliseconds of each, and our ratios."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(TIME, batch, size, generator=generator)
    upstream = torch.randn(TIME, batch, size, generator=generator)

    def both_ways(layer: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Callable[[], None]:
        return lambda: layer(x)[0].backward(upstream)

    lmn = LMN(size, size, size)

    def plain(x: Tensor) -> tuple[Tensor, Tensor]:
        u = nn.functional.linear(x, lmn.W_xh, lmn.b_h)
        h, m = reference_scan(u, lmn.initial_state(batch), lmn.W_mh, lmn.W_hm, lmn.W_mm, lmn.b_m)
        return m, h

    functions = {
        "LMN": both_ways(lmn),
        "plain loop": both_ways(plain),
        "LSTM": both_ways(nn.LSTM(size, size)),
        "GRU": both_ways(nn.GRU(size, size)),
        "RNN": both_ways(nn.RNN(size, size)),
        "limit": limit(x, size),
    }
    times = in_turn(functions, seconds=15, least=7)
    figures = {f"{name}, ms": 1e3 * median(values) for name, values in times.items()}
    return figures | {f"LMN / {name}": ratio(times, "LMN", name) for name in functions if name != "LMN"}


def main() -> None:
    """Measure all shapes, with one thread and with two."""
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for size, batch in SHAPES:
            results.append({"hidden = memory": size, "batch": batch, "threads": threads} | measure(size, batch))
    store("layer", results)


if __name__ == "__main__":
    main()
