"""Some training steps on a packed corpus, by this process or by all that torchrun has started, without a validation.

`python benchmarks/scale/steps.py DIR BATCHES` prints the frames, and the seconds and processor seconds of all processes
together, after the first batches, which are slower. `measure.py share` calls it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from lmn_music.allocator import keep_freed_memory
from lmn_music.corpora.packed import load_packed
from lmn_music.models.build import build
from lmn_music.processes import joined
from lmn_music.training.recipe import load_recipe
from lmn_music.training.trainer import Trainer

WARM = 2  # batches
SONGS = 64  # of a batch


def main(corpus: Path, batches: int) -> None:
    """Train, and print."""
    keep_freed_memory()
    torch.set_num_threads(torch.get_num_threads())  # as OMP_NUM_THREADS says
    processes, recipe = joined("cpu"), load_recipe("lmn")
    songs = load_packed(corpus).train
    training = recipe.training.model_copy(update={"batch_songs": SONGS, "transpose": 5})
    model = build(recipe.model, torch.Generator().manual_seed(0))
    trainer = Trainer(model, songs, songs[: processes.size], training, stage="steps", seed=0, processes=processes)
    seen: list[tuple[int, float, float]] = []

    def stop() -> bool:
        if trainer.progress.batch:  # else it is asked during the validation of the start
            seen.append((trainer.progress.frames, time.perf_counter(), time.process_time()))
        return len(seen) > batches

    trainer.run(stop=stop)
    frames, seconds, processor = (end - start for start, end in zip(seen[WARM], seen[-1], strict=True))
    processor = float(processes.total(np.array([processor]))[0])
    if processes.first:
        print(json.dumps({"frames": frames, "seconds": round(seconds, 2), "processor_seconds": round(processor, 2)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
