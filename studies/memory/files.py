"""Readers of formats of sequences: idx (MNIST), ts (the archive of UEA), TIMIT (NIST SPHERE and its word lists)."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft, signal

from lmn_music.errors import LmnMusicError
from studies.memory.problem import Array

LARGEST = 1 << 30  # bytes that a file may unfold to
COEFFICIENTS, FILTERS = 13, 26


def read_idx(folder: Path, name: str) -> npt.NDArray[np.uint8]:
    """Return an array of bytes from an idx file, or from NAME.gz.

    Args:
        folder: where it is.
        name: its name without .gz.

    Raises:
        LmnMusicError: there is no such file, it is of another format, or it is cut off.
    """
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            break
    else:
        raise LmnMusicError(f"{folder} has no {name} or {name}.gz")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            head = file.read(4)
            if len(head) < 4 or head[:3] != b"\0\0\x08":  # two zeros, and the code of unsigned bytes
                raise ValueError("it is no idx file of bytes")
            sizes = file.read(4 * head[3])
            shape = np.frombuffer(sizes[: len(sizes) // 4 * 4], dtype=">u4").tolist()
            size = math.prod(shape)
            if len(shape) != head[3] or not 0 < size <= LARGEST:
                raise ValueError(f"its shape is {shape}")
            content = file.read(size + 1)
        if len(content) != size:
            raise ValueError(f"it has {'more' if len(content) > size else 'fewer'} bytes than its shape {shape} says")
    except (OSError, EOFError, ValueError) as error:
        raise LmnMusicError(f"{path} cannot be read: {error}") from error
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def read_ts(path: Path) -> tuple[list[Array], list[str]]:
    """Return the sequences (time, inputs) of a ts file, and the class of each.

    Args:
        path: a file of the UEA archive: after @data a line for each sequence, its inputs and then its class between
            colons, the numbers of an input between commas.

    Raises:
        LmnMusicError: the file is of another format.
    """
    sequences, classes = [], []
    try:
        _, _, data = path.read_text(encoding="utf-8").partition("@data")
        for line in data.split():
            *inputs, label = line.split(":")
            sequences.append(np.array([[float(n) for n in one.split(",")] for one in inputs], dtype=np.float32).T)
            classes.append(label)
        if not sequences or len({x.shape[1] for x in sequences}) != 1 or any(x.ndim != 2 for x in sequences):
            raise ValueError("it has no sequences of one width after @data")
    except (OSError, ValueError) as error:
        raise LmnMusicError(f"{path} is no ts file: {error}") from error
    return sequences, classes


def read_words(folder: Path, suffix: str) -> list[tuple[str, Array]]:
    """Return the words of a folder of TIMIT that end in a suffix, with what was said: 13 coefficients every 10 ms.

    Args:
        folder: TRAIN or TEST, with a .WAV (NIST SPHERE) and a .WRD file for each sentence.
        suffix: letters.

    Returns:
        Pairs of a word and its frames (time, 13), in the order of the paths.

    Raises:
        LmnMusicError: there are no such files, or one is of another format.
    """
    found: list[tuple[str, Array]] = []
    lists = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".wrd")
    if not lists:
        raise LmnMusicError(f"{folder} has no word lists (.WRD) of TIMIT")
    for path in lists:
        sounds = [p for p in path.parent.iterdir() if p.stem == path.stem and p.suffix.lower() == ".wav"]
        if not sounds:
            raise LmnMusicError(f"{path} has no sound (.WAV) beside it")
        samples, rate = read_sphere(sounds[0])
        for line in path.read_text(encoding="ascii", errors="replace").splitlines():
            try:
                first, last, word = line.split()
                part = samples[int(first) : int(last)]
            except ValueError as error:
                raise LmnMusicError(f'{path}: "{line[:40]}" is not a start, an end and a word') from error
            if word.endswith(suffix) and len(part) >= rate // 40:
                found.append((word, cepstrum(part, rate)))
    return found


def read_sphere(path: Path) -> tuple[npt.NDArray[np.float64], int]:
    """Return the samples (from -1 to 1) and the rate of a NIST SPHERE file of 16-bit PCM in one channel.

    Raises:
        LmnMusicError: the file is of another format.
    """
    try:
        content = path.read_bytes()
        if content[:8] != b"NIST_1A\n":
            raise ValueError("it does not begin with NIST_1A")
        size = int(content[8:16])
        fields: dict[str, Any] = {}
        for line in content[16:size].decode("ascii").split("\n"):
            name, _, rest = line.partition(" ")
            fields[name] = rest.partition(" ")[2]
        if (fields.get("channel_count"), fields.get("sample_n_bytes")) != ("1", "2") or (
            "pcm" not in fields.get("sample_coding", "pcm")
        ):
            raise ValueError("it is not 16-bit PCM in one channel")
        order = {"01": "<i2", "10": ">i2"}[fields.get("sample_byte_format", "01")]
        count, rate = int(fields["sample_count"]), int(fields["sample_rate"])
        if not 0 < rate <= 200_000 or not 0 <= count <= (len(content) - size) // 2:
            raise ValueError(f"it says {count} samples at {rate} Hz and has {(len(content) - size) // 2}")
        samples = np.frombuffer(content, dtype=order, count=count, offset=size)
    except (OSError, ValueError, KeyError) as error:
        raise LmnMusicError(f"{path} is no sound of TIMIT: {error}") from error
    return samples / 32768.0, rate


def cepstrum(samples: npt.NDArray[np.float64], rate: int) -> Array:
    """Return mel-frequency cepstral coefficients: windows of 25 ms every 10 ms, (time, 13), each of mean 0, scale 1.

    Source: Davis and Mermelstein 1980: the cosine transform of the logarithm of the energies in FILTERS triangular
    bands that are equally wide on the scale mel = 2595 log10(1 + f / 700).

    Args:
        samples: (count,), at least one window.
        rate: samples in a second.
    """
    width, step = rate // 40, rate // 100
    windows = np.lib.stride_tricks.sliding_window_view(samples, width)[::step] * signal.windows.hamming(width)
    power = np.square(np.abs(fft.rfft(windows, axis=1)))
    mel = np.linspace(0, 2595 * np.log10(1 + rate / 1400), FILTERS + 2)
    corners = 700 * (10 ** (mel / 2595) - 1)
    at = fft.rfftfreq(width, 1 / rate)
    rising = (at - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - at) / np.diff(corners)[1:, None]
    energies = power @ np.minimum(rising, falling).clip(min=0).T
    found = fft.dct(np.log(energies + 1e-10), axis=1, norm="ortho")[:, :COEFFICIENTS]
    return np.asarray((found - found.mean(axis=0)) / (found.std(axis=0) + 1e-6), dtype=np.float32)
