"""Tasks on what was recorded: digits, a laser, vowels; from packages, or from files that a user has."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from lmn_music.errors import LmnMusicError
from studies.memory.files import read_idx, read_ts, read_words
from studies.memory.problem import Array, Problem, classified, of_classes
from studies.memory.synthetic import series

VOWELS = "JapaneseVowels"


def laser() -> Problem:
    """Say the next frame of the Santa Fe laser (Weigend and Gershenfeld 1993), out of the package reservoirpy."""
    from reservoirpy.datasets import santafe_laser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the package leaves its file open
        found = santafe_laser()
    return series(np.asarray(found, dtype=np.float32)[:, 0], 1)


def digits(*, permuted: bool) -> Problem:
    """Name the digit of 8 x 8 pixels that are read one by one, out of the package scikit-learn.

    Args:
        permuted: whether the pixels come in an order that was drawn once.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    pixels: Array = found.data.astype(np.float32)[..., None] / np.float32(8) - np.float32(1)
    return classified(_permuted(pixels, permuted), found.target.tolist(), (1000, 297), 0.9)


def mnist_1d() -> Problem:
    """Name the digit of a line of 40 numbers (Greydanus and Kobak 2024), drawn by the package mnist1d."""
    from mnist1d.data import get_dataset_args, make_dataset

    state = np.random.get_state()  # noqa: NPY002 - the package seeds the generator of everybody
    try:
        found = make_dataset(get_dataset_args())
    finally:
        np.random.set_state(state)  # noqa: NPY002
    x, x_test = (np.asarray(found[name], dtype=np.float32)[..., None] for name in ("x", "x_test"))
    problem = classified(list(x), found["y"].tolist(), (3200, 800), 0.8)
    return Problem(problem.train, problem.valid, of_classes(list(x_test), found["y_test"].tolist()), 10, 0.8)


def vowels(data: Path | None) -> Problem:
    """Name the speaker of a vowel (Kudo, Toyama, Shimbo 1999), out of the package sktime or from a folder.

    Args:
        data: a folder that has JapaneseVowels_TRAIN.ts and JapaneseVowels_TEST.ts; else those of the package are read.

    Raises:
        LmnMusicError: neither is there.
    """
    package = find_spec("sktime")
    places = [data] if data is not None else []
    places += [
        Path(place) / "datasets" / "data" / VOWELS for place in (package and package.submodule_search_locations) or ()
    ]
    for place in places:
        if (place / f"{VOWELS}_TEST.ts").is_file():
            (x, y), (x_test, y_test) = (read_ts(place / f"{VOWELS}_{name}.ts") for name in ("TRAIN", "TEST"))
            kinds = sorted({*y, *y_test}, key=int)
            problem = classified(x, [kinds.index(label) for label in y], (220, 50), 0.9)
            test = of_classes(x_test, [kinds.index(label) for label in y_test])
            return Problem(problem.train, problem.valid, test, len(kinds), 0.9)
    raise LmnMusicError(
        f"the spoken vowels are not there: pip install --no-deps sktime, or --data FOLDER with {VOWELS}_TRAIN.ts and "
        f"{VOWELS}_TEST.ts"
    )


def mnist(data: Path | None, *, permuted: bool) -> Problem:
    """Name the digit of 28 x 28 pixels, from the four idx files of MNIST; 5,000 of the training images validate.

    Args:
        data: their folder; the files may be compressed (.gz).
        permuted: whether the pixels come in an order that was drawn once.
    """
    folder = _given(data, "the idx files of MNIST")
    parts = []
    for name in ("train", "t10k"):
        images, labels = read_idx(folder, f"{name}-images-idx3-ubyte"), read_idx(folder, f"{name}-labels-idx1-ubyte")
        if images.ndim != 3 or labels.shape != (len(images),):
            raise LmnMusicError(f"{folder}: {name} has {labels.size} labels for images {images.shape}")
        pixels: Array = images.reshape(len(images), -1, 1).astype(np.float32) / np.float32(128) - np.float32(1)
        parts.append((_permuted(pixels, permuted), labels.tolist()))
    (x, y), (x_test, y_test) = parts
    held = min(5000, -(-len(x) // 6))
    problem = classified(x, y, (len(x) - held, held), 0.9)
    return Problem(problem.train, problem.valid, of_classes(x_test, y_test), 10, 0.9)


def timit(data: Path | None, suffix: str = "ing") -> Problem:
    """Name the spoken word, of those of TIMIT that end in a suffix; its own TEST folder is the test split.

    Args:
        data: the folder of TIMIT that has TRAIN and TEST.
        suffix: letters.
    """
    folder = _given(data, "the folders TRAIN and TEST of TIMIT")
    train, test = (read_words(folder / name, suffix) for name in ("TRAIN", "TEST"))
    kinds = sorted({word for word, _ in train})
    if len(kinds) < 2:
        raise LmnMusicError(
            f"{folder}/TRAIN has {len(kinds)} words that end in {suffix}: there is nothing to tell apart"
        )
    count = len(train)
    problem = classified(
        [x for _, x in train], [kinds.index(word) for word, _ in train], (count - -(-count // 6), -(-count // 6)), 0.5
    )
    known = [(word, x) for word, x in test if word in kinds]
    judged = of_classes([x for _, x in known], [kinds.index(word) for word, _ in known])
    return Problem(problem.train, problem.valid, judged, len(kinds), 0.5)


def _permuted(pixels: Array, permuted: bool) -> list[Array]:
    order = np.random.default_rng(0).permutation(pixels.shape[1]) if permuted else np.arange(pixels.shape[1])
    return list(pixels[:, order])


def _given(data: Path | None, what: str) -> Path:
    if data is None:
        raise LmnMusicError(f"{what} are not shipped: say where they are by --data FOLDER")
    return data
