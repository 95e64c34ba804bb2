"""The capacity experiment on sequences so small that it takes seconds, and what is made of its results."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import image

from lmn_music.corpora.corpus import Corpus
from lmn_music.errors import LmnMusicError
from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.memory.linear import LinearMemory
from lmn_music.memory.static import delay_line
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.models.networks.multiscale import sampled_hidden
from lmn_music.music.pianoroll import KEYS
from studies import capacity as experiment
from studies import capacity_inputs as inputs
from studies.capacity import measure, reconstruction, tasks
from studies.capacity_inputs import Data, Protocol, Training, load
from studies.capacity_memories import choose, encode_in_scales, memories
from studies.capacity_report import draw, tables

Results = dict[str, dict[str, Any]]

TINY = Protocol(
    corpora=(),
    sizes=(5, 8),
    seeds=2,
    frames=120,
    lags=8,
    shown=5,
    noise_inputs=2,
    structured=(3, 2),
    training=Training(
        sizes=(5,),
        seeds=2,
        gains=(0.1, 1.0),
        rates=(1e-2,),
        trial=1,
        steps=8,
        batch=4,
        lags=2,
        first=4,
        longer=2,
    ),
)


def without_seconds(results: Mapping[str, Any]) -> Results:
    """Everything but how long it took."""
    copy: Results = json.loads(json.dumps(results))
    for name, result in copy.items():
        for row in result["rows"] if name != "protocol" else ():
            assert row.pop("seconds") >= 0
    return copy


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    """Every kind of memory, interrupted after the third measurement and continued in two processes."""
    out, seen, lefts = tmp_path_factory.mktemp("results") / "capacity", [], []

    def interrupt(name: str, *_: Any) -> None:
        seen.append(name)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiment.run(out, TINY, workers=1, done=interrupt)
    stored = json.loads((out / "capacity.json").read_text())
    assert set(stored) == {"protocol", *seen}
    results = experiment.run(out, TINY, done=lambda *told: lefts.append(told[2]))
    assert lefts == list(reversed(range(len(tasks(TINY)) - 3)))
    assert {name: results[name] for name in stored} == stored  # nothing was made twice
    return out, results


@pytest.fixture
def small(small_corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> Iterator[Protocol]:
    """A protocol with one corpus, for this process alone."""
    corpus = replace(small_corpus, valid=small_corpus.test)
    monkeypatch.setattr(inputs, "load_corpus", lambda *_: corpus)
    monkeypatch.setattr(inputs, "load_checkpoint", lambda _: load_checkpoint("jsb"))
    yield TINY.model_copy(update={"corpora": ("small",), "frames": 100, "lags": 22})
    load.cache_clear()


@pytest.mark.slow
def test_every_memory_is_measured_and_an_interruption_changes_nothing(tiny: tuple[Path, Results]) -> None:
    out, results = tiny
    at_once = {name: measure(task) for name, task in tasks(TINY).items()}
    assert without_seconds(results) == without_seconds({"protocol": results["protocol"], **at_once})
    assert json.loads((out / "capacity.json").read_text()) == results
    kinds = ("LAES", "LAES, 5, first lags", "multi-scale LAES", "orthogonal, 8", "echo state, 5", "delay line, 8")
    kinds += ("Legendre, 5", "RNN, 5", "LSTM, 5", "LSTM, 5, first lags")
    for name in [f"{name}, {kind}" for name in TINY.inputs for kind in kinds]:
        for row in results[name]["rows"]:
            assert len(row["per_lag"]) == 8
            assert 0.3 < row["per_lag"][0] <= 1
            assert row["total"] == pytest.approx(sum(row["per_lag"]), abs=1e-3)
            assert row["first"] == pytest.approx(sum(row["per_lag"][:4]), abs=1e-3)
    first, second = results["white noise, orthogonal, 5"]["rows"]
    assert (first["seed"], second["seed"]) == (0, 1)
    assert first["settings"] == second["settings"]
    assert first["total"] != second["total"]
    assert [row["size"] for row in results["structured, LAES"]["rows"]] == [5, 8]


@pytest.mark.slow
def test_another_protocol_is_refused(tiny: tuple[Path, Results]) -> None:
    out, results = tiny
    before = (out / "capacity.json").read_bytes()
    with pytest.raises(LmnMusicError, match="measured by another protocol: move it away"):
        experiment.run(out, TINY.model_copy(update={"lags": 7}))
    assert (out / "capacity.json").read_bytes() == before
    assert experiment.run(out, TINY) == results  # all is there: no process is started


def test_another_corpus_or_shipped_model_is_another_protocol(
    small: Protocol, small_corpus: Corpus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shipped = tmp_path / "small.safetensors"
    monkeypatch.setattr(inputs, "find_checkpoint", lambda _: shipped)
    shipped.write_bytes(b"one")
    ours = inputs.with_sources(small, None)
    assert dict(ours.sources)["rolls small"] == small_corpus.sha256
    shipped.write_bytes(b"another")
    theirs = inputs.with_sources(small, None)
    assert theirs != ours
    assert theirs.model_copy(update={"sources": ours.sources}) == ours


def test_on_white_noise_every_memory_holds_as_much_as_it_has_cells() -> None:
    """Total capacity * inputs = size, of a network too while it is linear and orthogonal: before it is trained."""
    training = Training(sizes=(16,), seeds=1, gains=(0.01,), rates=(1e-9,), trial=1, steps=1, checks=1, batch=2)
    noise = TINY.model_copy(update={"sizes": (16,), "frames": 5000, "lags": 40, "seeds": 1, "training": training})
    for kind in ("LAES", "orthogonal, 16", "echo state, 16", "delay line, 16", "Legendre, 16", "RNN, 16"):
        (row,) = measure(tasks(noise)[f"white noise, {kind}"])["rows"]
        assert row["total"] * noise.noise_inputs == pytest.approx(16, rel=0.04), kind


def test_smaller_autoencoders_are_leading_blocks_of_larger_ones() -> None:
    data = load(TINY, None, "structured")
    largest = LinearAutoencoder(8).fit(data.train)
    rows = {row["size"]: row for row in measure(tasks(TINY)["structured, LAES"])["rows"]}
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
    short = TINY.model_copy(update={"sizes": (5, 200), "frames": 12, "lags": 12})
    task = tasks(short)["white noise, LAES"]
    assert len(load(short, None, "white noise").train) == 1  # 12 frames, so the rank is at most 12
    assert [row["size"] for row in measure(task)["rows"]] == [5, 200]


def test_what_is_made_for_the_first_lags_holds_more_of_these_and_is_chosen_by_them() -> None:
    named = tasks(TINY.model_copy(update={"lags": 30, "frames": 1500}))
    usual = measure(named["structured, LAES"])["rows"][0]
    (first,) = measure(named["structured, LAES, 5, first lags"])["rows"]
    assert usual["size"] == first["size"] == 5
    assert first["first"] > usual["first"]
    assert first["total"] < usual["total"]
    (trained,) = measure(named["structured, RNN, 5, first lags"])["rows"]
    assert trained["valid"] == max(valid for _, valid in trained["curve"])
    assert trained["valid"] <= 4 < trained["total"]  # four lags are at most 4 frames


def test_modules_of_a_multi_scale_autoencoder_wait_between_the_frames_they_hear() -> None:
    sequence = np.arange(6.0)[:, None]
    now = LinearMemory(np.eye(1), np.zeros((1, 1)))
    states = encode_in_scales([now, now, LinearMemory(np.eye(1), np.eye(1))], sequence)
    np.testing.assert_array_equal(states.T, [[0, 1, 2, 3, 4, 5], [0, 0, 2, 2, 4, 4], [0, 0, 0, 0, 4, 4]])


def test_cells_are_shared_among_modules_and_their_number_is_chosen() -> None:
    data = load(TINY, None, "structured")
    rows = measure(tasks(TINY)["structured, multi-scale LAES"])["rows"]
    assert [row["size"] for row in rows] == [5, 8]
    scales = int(rows[1]["settings"]["scales"])
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
    found = reconstruction(memory.transform, Data(train, train, train, train, mean, 6, 1e-8), song)
    assert found["recalled"] == found["frames"] == [bytes(255 * frame.astype(np.uint8)).hex() for frame in song]


def test_rolls_and_activations_of_a_corpus(small: Protocol) -> None:
    rolls, activations = load(small, None, "rolls small"), load(small, None, "activations small")
    model = load_checkpoint("jsb").model
    assert rolls.mean.shape == (KEYS,)
    assert activations.mean.shape == (model.config.hidden_size,)
    assert 100 <= sum(map(len, rolls.train)) < 140
    assert 100 <= sum(map(len, activations.train)) < 140
    assert rolls.lags == 22
    assert np.abs(np.concatenate(activations.train)).max() <= 1  # hyperbolic tangents
    named = tasks(small)
    assert "rolls small, LSTM, 5, trained longer" in named
    rows = measure(named["rolls small, delay line, 5"])["rows"]
    assert len(rows[0]["song"]["frames"]) == 22  # the opening of the longer of two songs, of 20 and 24 frames
    assert measure(named["activations small, LAES"])["rows"][1]["total"] > 0.5


@pytest.mark.slow
def test_tables_and_figures(tiny: tuple[Path, Results], small: Protocol, tmp_path: Path) -> None:
    _, results = tiny
    found = tables(results)
    total = found["capacity-total"].splitlines()
    memories = "LAES | multi-scale LAES | orthogonal | echo state | delay line | Legendre | RNN | LSTM"
    assert total[0] == f"| input | {memories} |"
    assert found["capacity-first"].splitlines()[0] == f"| input | {memories.replace('multi-scale LAES | ', '')} |"
    assert [line.split(" | ")[0] for line in total[2:]] == ["| white noise", "| structured"]
    best = max(row["total"] for row in results["structured, LAES"]["rows"] if row["size"] == 5)
    assert f"{best:.2f}" in total[3]
    assert total[3].count("**") == 2
    settings = found["capacity-settings"].splitlines()
    assert settings[0] == f"| input | {memories.replace('LAES | ', '', 1)} |"
    assert settings[3].startswith("| structured | scales ")
    assert f"{results['structured, LAES']['rows'][0]['seconds']:.2f}" in found["capacity-seconds"]
    assert len(found["capacity-training"].splitlines()) == 2 + 8

    named = tasks(small)
    some = {"protocol": small.model_dump(mode="json")} | {
        name: measure(named[name])
        for name in ("rolls small, RNN, 5", "rolls small, RNN, 5, trained longer", "rolls small, LAES")
    }
    assert "RNN, trained longer" in tables(some)["capacity-training"]
    assert tables({"protocol": some["protocol"]}) == {}
    draw(results, tmp_path / "tiny")
    for folder in ("one", "again"):
        draw(some, tmp_path / folder)
    names = {"capacity-sizes", "capacity-lags", "capacity-song-small"}
    assert {path.name for path in (tmp_path / "one").iterdir()} == {f"{name}.png" for name in names}
    for path in (*tmp_path.glob("tiny/*"), *tmp_path.glob("one/*")):
        assert image.imread(path).std() > 0.01
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
