"""The scan as a compiled extension, beside the one in torch. Needs a C++ compiler and ninja.

Not a part of the package, and not of `make bench`: it shows why there is none. It passes torch's autograd by, which
flatters it a little.
"""

from __future__ import annotations

from typing import Any

import torch
from measure import in_turn, median, ratio, store
from torch.utils.cpp_extension import load_inline

from lmn_music.models.networks.scan import scan

SOURCE = r"""
#include <torch/extension.h>

std::vector<at::Tensor> forward(at::Tensor u, at::Tensor m, at::Tensor mh, at::Tensor hm, at::Tensor mm, at::Tensor b) {
  at::InferenceMode guard;
  auto h = at::empty_like(u), ms = at::empty({u.size(0) + 1, m.size(0), m.size(1)}, m.options());
  ms[0].copy_(m);
  auto u_ = u.unbind(), h_ = h.unbind(), m_ = ms.unbind();
  for (int64_t t = 0; t < u.size(0); t++) {
    at::addmm_out(h_[t], u_[t], m_[t], mh).tanh_();
    at::addmm_out(m_[t + 1], b, m_[t], mm).addmm_(h_[t], hm);
  }
  return {h, ms};
}

std::vector<at::Tensor> backward(
    at::Tensor grad, at::Tensor h, at::Tensor ms, at::Tensor W_mh, at::Tensor W_hm, at::Tensor W_mm) {
  at::InferenceMode guard;
  int64_t time = h.size(0), rows = time * h.size(1);
  auto a = at::empty_like(h), d = at::empty_like(ms);
  auto a_ = a.unbind(), d_ = d.unbind(), h_ = h.unbind(), g_ = grad.unbind();
  d_[time].copy_(g_[time - 1]);
  for (int64_t t = time - 1; t >= 0; t--) {
    at::mm_out(a_[t], d_[t + 1], W_hm);
    at::tanh_backward_out(a_[t], a_[t], h_[t]);
    if (t) at::addmm_out(d_[t], g_[t - 1], a_[t], W_mh); else at::mm_out(d_[t], a_[t], W_mh);
    d_[t].addmm_(d_[t + 1], W_mm);
  }
  auto flat_a = a.view({rows, -1}), flat_m = d.slice(0, 1).reshape({rows, -1});
  auto before = ms.slice(0, 0, time).reshape({rows, -1});
  return {flat_a.t().mm(before), flat_m.t().mm(h.view({rows, -1})), flat_m.t().mm(before), flat_m.sum(0)};
}
"""


def main() -> None:
    """Measure three shapes, one thread and two."""
    compiled: Any = load_inline("lmn_scan", SOURCE, functions=["forward", "backward"], extra_cflags=["-O3"])
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for size, batch in ((64, 32), (128, 32), (64, 700)):
            u, m = torch.randn(100, batch, size), torch.zeros(batch, size)
            W = [torch.nn.Parameter(torch.randn(size, size) / 20) for _ in range(3)]
            b, upstream = torch.nn.Parameter(torch.zeros(size)), torch.randn(100, batch, size)

            def ours(arguments: tuple[Any, ...] = (u, m, *W, b), upstream: Any = upstream) -> None:
                scan(*arguments)[1].backward(upstream)

            @torch.no_grad()
            def theirs(u: Any = u, m: Any = m, W: Any = W, b: Any = b, upstream: Any = upstream) -> None:
                mh, hm, mm = W
                h, ms = compiled.forward(u, m, mh.t().contiguous(), hm.t().contiguous(), mm.t().contiguous(), b)
                compiled.backward(upstream, h, ms, mh, hm, mm)

            hs, ms = scan(u, m, W[0], W[1], W[2], b)
            gradients = torch.autograd.grad(ms, [*W, b], upstream)
            mh, hm, mm = (weight.detach() for weight in W)
            with torch.no_grad():
                h, before = compiled.forward(u, m, mh.t().contiguous(), hm.t().contiguous(), mm.t().contiguous(), b)
                of_mh, of_hm, of_mm, of_b = compiled.backward(upstream, h, before, mh, hm, mm)
            torch.testing.assert_close((hs, ms, *gradients), (h, before[1:], of_mh, of_hm, of_mm, of_b))
            times = in_turn({"torch": ours, "compiled": theirs}, seconds=5)
            figures = {"torch, ms": 1e3 * median(times["torch"]), "compiled / torch": ratio(times, "compiled", "torch")}
            results.append({"hidden = memory": size, "batch": batch, "threads": threads} | figures)
    store("compiled", results)


if __name__ == "__main__":
    main()
