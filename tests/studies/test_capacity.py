"""The study of capacity on sequences so small that it takes seconds, and what is made of its results."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from lmn_music.corpora.corpus import Corpus
from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.memory.linear import LinearMemory
from lmn_music.memory.static import delay_line
from lmn_music.models.checkpoint import find_checkpoint, load_checkpoint
from lmn_music.models.networks.multiscale import sampled_hidden
from lmn_music.music.pianoroll import KEYS
from studies import capacity_inputs as inputs
from studies.capacity import CapacityStudy, recalled
from studies.capacity_inputs import Data, choose, load
from studies.capacity_memories import encode_in_scales, memories
from studies.capacity_protocol import Protocol, Training
from studies.engine import Row, run

TRAINING = Training(
    sizes=(5,), seeds=2, gains=(0.1, 1.0), rates=(1e-2,), trial=1, steps=8, batch=4, lags=2, first=4, longer=2
)
TINY = Protocol(
    corpora=(),
    sizes=(5, 8),
    seeds=2,
    frames=120,
    lags=8,
    shown=5,
    noise_inputs=2,
    structured=(3, 2),
    training=TRAINING,
)


def tasks(protocol, out=Path()):
    return CapacityStudy(protocol).tasks(out)


def measured(protocol, *names, out=Path()):
    named = tasks(protocol, out)
    return [{"task": name, **row} for name in names or named for row in named[name].measure()]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    """Every kind of memory, interrupted after the third measurement and resumed."""
    out, seen = tmp_path_factory.mktemp("results") / "capacity", []

    def interrupt(name, *_):
        seen.append(name)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(CapacityStudy(TINY), out, workers=1, done=interrupt)
    rows = run(CapacityStudy(TINY), out, workers=1, done=lambda name, *_: seen.append(name))
    assert sorted(seen) == sorted(tasks(TINY))  # nothing was made twice
    return out, rows


@pytest.fixture
def small(small_corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> Iterator[Protocol]:
    """A protocol with one corpus, for this process alone."""
    corpus = replace(small_corpus, valid=small_corpus.test)
    monkeypatch.setattr(inputs, "load_corpus", lambda *_: corpus)
    monkeypatch.setattr(inputs, "load_checkpoint", lambda _: load_checkpoint("jsb"))
    monkeypatch.setattr(inputs, "find_checkpoint", lambda _: find_checkpoint("jsb"))
    yield replace(TINY, corpora=("small",), frames=100, lags=22)
    load.cache_clear()


@pytest.mark.slow
def test_every_memory_is_measured_and_an_interruption_changes_nothing(tiny: tuple[Path, list[Row]]) -> None:
    _, rows = tiny
    by_engine = {(row["task"], row["size"], row["seed"]): row for row in rows}
    assert {row["size"] for row in rows} == {5, 8}
    for row in measured(TINY, *[*tasks(TINY)][::3]):
        stored = by_engine[row["task"], row["size"], row["seed"]]
        assert all(stored[name] == (value if value != "" else None) for name, value in row.items() if name != "seconds")
    for row in rows:
        assert row["seconds"] >= 0
        assert 0 < row["first"] <= row["total"] < 8
        if row["size"] == 5 and not row["variant"]:
            assert len(row["per_lag"]) == 8
            assert 30 < row["per_lag"][0] <= 100
            assert row["total"] == pytest.approx(sum(row["per_lag"]) / 100, abs=8 * 5e-3)  # whole percents
            assert row["first"] == pytest.approx(sum(row["per_lag"][:4]) / 100, abs=4 * 5e-3)
    first, second = (row for row in rows if row["task"] == "white noise, orthogonal, 5")
    assert (first["seed"], second["seed"]) == (0, 1)
    assert first["settings"] == second["settings"]
    assert first["total"] != second["total"]
    assert [row["size"] for row in rows if row["task"] == "structured, LAES"] == [5, 8]


def test_another_value_corpus_or_shipped_model_is_another_protocol(
    small: Protocol, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def protocols(protocol):
        return {name: repr(task) for name, task in tasks(protocol).items()}

    ours, shipped = protocols(small), tmp_path / "small.safetensors"
    assert protocols(replace(small, lags=7)).items().isdisjoint(ours.items())
    assert protocols(TINY).keys() < ours.keys()
    assert protocols(replace(small, corpora=())).items() <= ours.items()
    shipped.write_bytes(b"another")
    monkeypatch.setattr(inputs, "find_checkpoint", lambda _: shipped)
    changed = {name for name, text in protocols(small).items() if text != ours[name]}
    assert changed == {name for name in ours if name.startswith("activations")}


def test_on_white_noise_every_memory_holds_as_much_as_it_has_cells() -> None:
    """Total capacity * inputs = size, of a network too while it is linear and orthogonal: before it is trained."""
    training = Training(sizes=(16,), seeds=1, gains=(0.01,), rates=(1e-9,), trial=1, steps=1, checks=1, batch=2)
    noise = replace(TINY, sizes=(16,), frames=5000, lags=40, seeds=1, training=training)
    for kind in ("LAES", "orthogonal, 16", "echo state, 16", "delay line, 16", "Legendre, 16", "RNN, 16"):
        (row,) = measured(noise, f"white noise, {kind}")
        assert row["total"] * noise.noise_inputs == pytest.approx(16, rel=0.04), kind


def test_smaller_autoencoders_are_leading_blocks_of_larger_ones() -> None:
    data = load(TINY, None, "structured")
    largest = LinearAutoencoder(8).fit(data.train)
    rows = {row["size"]: row for row in measured(TINY, "structured, LAES")}
    for size in (5, 8):
        fitted = LinearAutoencoder(size).fit(data.train)
        np.testing.assert_allclose(fitted.A_, largest.A_[:size], atol=1e-9)
        np.testing.assert_allclose(fitted.B_, largest.B_[:size, :size], atol=1e-9)
        assert rows[size]["total"] == pytest.approx(data.capacity(fitted.transform).sum(), abs=1e-3)


@pytest.mark.parametrize("kind", ["orthogonal, 5", "multi-scale LAES", "RNN, 5"])
def test_nothing_is_chosen_on_the_test_split(kind: str) -> None:
    task, data = tasks(TINY)[f"structured, {kind}"], load(TINY, None, "structured")
    found = []
    for here in (data, replace(data, test=[sequence[::-1] ** 3 for sequence in data.test])):
        encode, row = next(memories(task, here))
        row.pop("seconds")
        found.append((row, encode(data.train[0]), here.to_choose_by(encode, task.lags), here.capacity(encode).sum()))
    (ours, state, chosen_by, judged), (theirs, other_state, other_chosen_by, other_judged) = found
    assert ours == theirs
    np.testing.assert_array_equal(state, other_state)
    assert chosen_by == other_chosen_by
    assert judged != other_judged


def test_an_autoencoder_is_as_large_as_the_history_has_rank() -> None:
    short = replace(TINY, sizes=(5, 200), frames=12, lags=12)
    assert len(load(short, None, "white noise").train) == 1  # 12 frames, so the rank is at most 12
    assert [row["size"] for row in measured(short, "white noise, LAES")] == [5, 200]


def test_what_is_made_for_the_first_lags_holds_more_of_these_and_is_chosen_by_them() -> None:
    longer = replace(TINY, lags=30, frames=1500)
    usual = measured(longer, "structured, LAES")[0]
    (first,) = measured(longer, "structured, LAES, 5, first lags")
    assert usual["size"] == first["size"] == 5
    assert first["first"] > usual["first"]
    assert first["total"] < usual["total"]
    (trained,) = measured(longer, "structured, RNN, 5, first lags")
    assert trained["valid"] >= max(trained["valid_before"], trained["valid_last"])
    assert trained["valid"] <= 4 < trained["total"]  # four lags are at most 4 frames


def test_modules_of_a_multi_scale_autoencoder_wait_between_the_frames_they_hear() -> None:
    sequence = np.arange(6.0)[:, None]
    now = LinearMemory(np.eye(1), np.zeros((1, 1)))
    states = encode_in_scales([now, now, LinearMemory(np.eye(1), np.eye(1))], sequence)
    np.testing.assert_array_equal(states.T, [[0, 1, 2, 3, 4, 5], [0, 0, 2, 2, 4, 4], [0, 0, 0, 0, 4, 4]])


def test_cells_are_shared_among_modules_and_their_number_is_chosen() -> None:
    data = load(TINY, None, "structured")
    rows = measured(TINY, "structured, multi-scale LAES")
    assert [row["size"] for row in rows] == [5, 8]
    scales = int(rows[1]["settings"].removeprefix("scales "))
    assert 8 % scales < scales < 8
    modules = [LinearAutoencoder(8 // scales + (i < 8 % scales)) for i in range(scales)]
    for i, module in enumerate(modules):
        module.fit([sampled_hidden(piece, i) for piece in data.train])
    memories = [LinearMemory(m.A_, m.B_, m.mean_) for m in modules]
    assert rows[1]["total"] == pytest.approx(data.capacity(partial(encode_in_scales, memories)).sum(), abs=1e-3)


def test_the_best_of_all_settings_is_chosen() -> None:
    def figure(settings: Mapping[str, float]) -> float:  # one setting at a time does not get past x = y
        return 0.0 if settings["x"] != settings["y"] else settings["x"]

    assert choose({"x": range(8), "y": range(7)}, figure) == {"x": 6, "y": 6}
    assert choose({"x": [3, 4]}, lambda _: 0.0) == {"x": 3}


def test_a_song_comes_back_from_a_state_that_holds_all_of_it() -> None:
    generator = np.random.default_rng(0)
    song = (generator.random((5, KEYS)) < 0.2).astype(float)
    train = [(generator.random((5, KEYS)) < 0.2).astype(float) for _ in range(300)]
    mean = np.concatenate(train).mean(axis=0)
    memory = delay_line(KEYS, 5 * KEYS).of(np.eye(KEYS), mean)
    found = recalled(memory.transform, Data(train, train, train, train, mean, 6, 1e-8), song)
    np.testing.assert_allclose(found, song, atol=1e-6)


def test_rolls_and_activations_of_a_corpus(small: Protocol, tmp_path: Path) -> None:
    rolls, activations = load(small, None, "rolls small"), load(small, None, "activations small")
    model = load_checkpoint("jsb").model
    assert rolls.mean.shape == (KEYS,)
    assert activations.mean.shape == (model.config.hidden_size,)
    assert 100 <= sum(map(len, rolls.train)) < 140
    assert 100 <= sum(map(len, activations.train)) < 140
    assert rolls.lags == 22
    assert np.abs(np.concatenate(activations.train)).max() <= 1  # hyperbolic tangents
    assert "rolls small, LSTM, 5, trained longer" in tasks(small)
    measured(small, "rolls small, delay line, 5", out=tmp_path)
    kept = np.load(tmp_path / "songs" / "rolls small, delay line.npz")
    assert kept["song"].shape == kept["recalled"].shape == (22, KEYS)  # of the longer of two songs, 20 and 24 frames
    assert measured(small, "activations small, LAES")[1]["total"] > 0.5


@pytest.mark.slow
def test_tables_and_figures(tiny: tuple[Path, list[Row]], small: Protocol, tmp_path: Path) -> None:
    _, rows = tiny
    found = CapacityStudy(TINY).tables(rows)
    total = found["capacity-total"].splitlines()
    names = "LAES | multi-scale LAES | orthogonal | echo state | delay line | Legendre | RNN | LSTM"
    assert total[0] == f"| input | {names} |"
    assert found["capacity-first"].splitlines()[0] == f"| input | {names.replace('multi-scale LAES | ', '')} |"
    assert [line.split(" | ")[0] for line in total[2:]] == ["| white noise", "| structured"]
    best = next(row["total"] for row in rows if row["task"] == "structured, LAES" and row["size"] == 5)
    assert f"{best:.2f}" in total[3]
    assert total[3].count("**") == 2
    settings = found["capacity-settings"].splitlines()
    assert settings[0] == f"| input | {names.replace('LAES | ', '', 1)} |"
    assert settings[3].startswith("| structured | scales ")
    assert len(found["capacity-training"].splitlines()) == 2 + 8
    CapacityStudy(TINY).draw(rows, tmp_path)

    some = ("rolls small, RNN, 5", "rolls small, RNN, 5, trained longer", "rolls small, LAES")
    rows = measured(small, *some, out=tmp_path / "one")
    assert "RNN, trained longer" in CapacityStudy(small).tables(rows)["capacity-training"]
    CapacityStudy(small).draw(rows, tmp_path / "one")
    pictures = {path.name: path.read_bytes() for path in (tmp_path / "one").glob("*.png")}
    CapacityStudy(small).draw(rows, tmp_path / "one")
    assert pictures == {path.name: path.read_bytes() for path in (tmp_path / "one").glob("*.png")}
    assert pictures.keys() == {"capacity-sizes.png", "capacity-lags.png", "capacity-song-small.png"}
    for path in tmp_path.rglob("*.png"):
        assert image.imread(path).std() > 0.01


def test_a_part_of_the_study(small: Protocol) -> None:
    study = CapacityStudy(small, memories=("LAES", "delay line"))
    assert {task.memory for task in study.tasks(Path()).values()} == {"LAES", "delay line"}
    part = replace(study, protocol=small.part((), 1))
    assert {task.seeds for task in part.tasks(Path()).values()} == {1}
