"""The tasks ask what they say, and the readers of files read what others wrote."""

import gzip
import wave as wav

import numpy as np
import pytest
import torch

from lmn_music.errors import LmnMusicError
from studies.memory import recorded, synthetic
from studies.memory.files import cepstrum, read_idx, read_sphere, read_ts, read_words
from studies.memory.problem import Split, of_classes

COUNTS = (30, 5, 8)


@pytest.mark.parametrize("lag", [1, 12])
def test_copying_asks_for_each_symbol_a_lag_later(lag):
    split = synthetic.copying(lag, COUNTS).test
    shown = split.x.argmax(dim=2)
    assert split.scored.sum(dim=0).tolist() == [10] * 8
    for t in range(10):
        when = t + 9 + lag
        assert split.scored[when].all()
        assert torch.equal(split.y[when], shown[t])
    assert (shown[9 + lag] == 9).all()  # the cue
    assert set(shown[10 : 9 + lag].flatten().tolist()) <= {8}  # blanks
    assert (shown[10 + lag :] == 8).all()


def test_adding_asks_for_the_sum_of_two_marked_numbers():
    split = synthetic.adding(20, COUNTS).train
    numbers, marks = split.x.unbind(2)
    assert torch.equal(marks[:10].sum(dim=0), torch.ones(30))
    assert torch.equal(marks[10:].sum(dim=0), torch.ones(30))
    torch.testing.assert_close(split.y[-1, :, 0], (numbers * marks).sum(dim=0))
    assert split.scored.sum() == split.scored[-1].sum() == 30


def test_a_series_asks_for_what_comes_and_the_splits_do_not_overlap():
    problem = synthetic.series(np.arange(4000, dtype=np.float32), 7)
    step = float(problem.train.x[1, 0, 0] - problem.train.x[0, 0, 0])
    torch.testing.assert_close(problem.train.y, problem.train.x + 7 * step, atol=1e-4, rtol=1e-4)
    assert problem.train.y.max() < problem.valid.x.min()
    assert problem.valid.y.max() < problem.test.x.min()
    assert not problem.train.scored[: synthetic.WASHOUT].any()
    assert problem.train.scored[synthetic.WASHOUT :].all()


def test_words_differ_at_their_beginning_and_end_alike():
    problem = synthetic.words((300, 20, 20))
    last = problem.train.scored.long().argmax(dim=0)
    songs = torch.arange(300)
    labels = problem.train.y[last, songs]
    first, end = problem.train.x[0], problem.train.x[last, songs]
    assert labels.unique().tolist() == list(range(10))
    spread = [torch.stack([x[labels == k].mean(dim=0) for k in range(10)]).std(dim=0).mean() for x in (first, end)]
    assert spread[0] > 3 * spread[1]
    assert (last > 20).all()


def test_a_wave_is_one_sequence_to_be_learned_by_heart():
    problem = synthetic.wave()
    assert problem.train.x.sum() == 1
    assert problem.train.y.shape == (320, 1, 1)
    assert float(problem.train.y.std(correction=0)) == pytest.approx(1, abs=1e-3)
    assert problem.train is problem.test


def test_scores_are_shares():
    split = of_classes([np.zeros((3, 1)), np.zeros((5, 1))], [2, 1])
    assert split.scored.nonzero().tolist() == [[2, 0], [4, 1]]
    said = torch.zeros(5, 2, 3)
    said[..., 2] = 1
    assert split.score(said) == 0.5
    numbers = Split(torch.zeros(4, 1, 1), torch.arange(4.0).view(4, 1, 1), torch.ones(4, 1, dtype=torch.bool))
    assert numbers.score(numbers.y) == 1
    assert numbers.score(torch.full((4, 1, 1), 1.5)) == pytest.approx(0)


def test_digits_of_packages():
    plain, permuted = recorded.digits(permuted=False), recorded.digits(permuted=True)
    assert plain.train.x.shape == (64, 1000, 1)
    assert torch.equal(plain.test.y, permuted.test.y)
    assert torch.equal(plain.test.x.sort(dim=0).values, permuted.test.x.sort(dim=0).values)
    assert not torch.equal(plain.test.x, permuted.test.x)
    pytest.importorskip("mnist1d")
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    lines = recorded.mnist_1d()
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    assert (lines.train.x.shape, len(lines.valid), len(lines.test)) == ((40, 3200, 1), 800, 1000)


def test_series_of_packages():
    pytest.importorskip("reservoirpy")
    laser, glass = recorded.laser(), synthetic.mackey_glass(3000)
    torch.testing.assert_close(laser.train.y[:-1], laser.train.x[1:])
    torch.testing.assert_close(glass.train.y[: -synthetic.HORIZON], glass.train.x[synthetic.HORIZON :])


TS = "#a comment\n@problemName V\n@classLabel true 1 2\n@data\n1,2,3:4,5,6:1\n0.5,-1:1e-1,2:2\n"


def test_vowels_are_read_from_a_folder(tmp_path):
    for name in ("TRAIN", "TEST"):
        (tmp_path / f"JapaneseVowels_{name}.ts").write_text(
            TS if name == "TEST" else TS.split("@data")[0] + "@data\n" + 150 * TS.split("@data\n")[1]
        )
    problem = recorded.vowels(tmp_path)
    assert (len(problem.train), len(problem.valid), len(problem.test), problem.outputs) == (220, 50, 2, 2)
    torch.testing.assert_close(problem.test.x[:3, 0], torch.tensor([[1.0, 4], [2, 5], [3, 6]]))
    assert problem.test.scored.nonzero().tolist() == [[1, 1], [2, 0]]
    assert problem.test.y[1, 1] == 1


@pytest.mark.parametrize(
    "text", ["", "@data\n", "@data\n1,2:x,3:1\n", "@data\n1,2:3:1\n", "@data\n1:2:1\n1:1\n", "\xff"]
)
def test_what_is_no_ts_file_is_refused(tmp_path, text):
    (tmp_path / "x.ts").write_text(text, encoding="latin-1")
    with pytest.raises(LmnMusicError, match=r"x\.ts is no ts file"):
        read_ts(tmp_path / "x.ts")


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture
def mnist(tmp_path):
    generator = np.random.default_rng(0)
    for name, count in (("train", 12), ("t10k", 5)):
        images, labels = generator.integers(256, size=(count, 28, 28)), np.arange(count) % 10
        (tmp_path / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / f"{name}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path


def test_mnist_is_read_pixel_by_pixel(mnist):
    problem = recorded.mnist(mnist, permuted=False)
    assert (problem.train.x.shape, len(problem.valid), len(problem.test)) == ((784, 10, 1), 2, 5)
    images = read_idx(mnist, "t10k-images-idx3-ubyte")
    torch.testing.assert_close(problem.test.x[:, 3, 0], torch.from_numpy(images[3].reshape(-1) / 128.0 - 1).float())
    assert problem.test.y[-1].tolist() == [0, 1, 2, 3, 4]
    permuted = recorded.mnist(mnist, permuted=True)
    assert torch.equal(permuted.test.x.sort(dim=0).values, problem.test.x.sort(dim=0).values)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no idx file"),
        (b"\0\0\x0d\1\0\0\0\1\0\0\0\0", "no idx file"),
        (idx(np.zeros(9))[:-1], "fewer bytes"),
        (idx(np.zeros(9)) + b"\0", "more bytes"),
        (b"\0\0\x08\3" + b"\xff" * 12, "its shape is"),
        (b"\0\0\x08\3\0\0", "its shape is"),
    ],
)
def test_a_damaged_idx_file_is_refused(tmp_path, content, said):
    (tmp_path / "images").write_bytes(content)
    with pytest.raises(LmnMusicError, match=f"images cannot be read: .*{said}"):
        read_idx(tmp_path, "images")
    (tmp_path / "images").unlink()
    with pytest.raises(LmnMusicError, match=r"has no images or images\.gz"):
        read_idx(tmp_path, "images")
    (tmp_path / "images.gz").write_bytes(gzip.compress(content)[:-9])
    with pytest.raises(LmnMusicError, match=r"images\.gz cannot be read"):
        read_idx(tmp_path, "images")


def test_files_that_are_not_shipped_are_asked_for():
    with pytest.raises(LmnMusicError, match="--data FOLDER"):
        recorded.mnist(None, permuted=False)


def sphere(samples, rate=16000, head=""):
    text = f"NIST_1A\n   1024\nsample_count -i {len(samples)}\nsample_rate -i {rate}\nchannel_count -i 1\n"
    text += f"sample_n_bytes -i 2\nsample_byte_format -s2 01\nsample_coding -s3 pcm\n{head}end_head\n"
    return text.encode().ljust(1024) + samples.astype("<i2").tobytes()


def say(folder, words, generator):
    """Write a sentence as TIMIT has it: each word of a third of a second."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SX1.WRD").write_text("".join(f"{5000 * i} {5000 * i + 5000} {word}\n" for i, word in enumerate(words)))
    (folder / "SX1.WAV").write_bytes(sphere(generator.integers(-9000, 9000, size=5000 * len(words))))


def test_words_of_timit_that_end_alike(tmp_path):
    generator = np.random.default_rng(0)
    for speaker in ("FAAA0", "MBBB0", "MCCC0"):
        say(tmp_path / "TRAIN" / "DR1" / speaker, ["the", "going", "evening", "is", "going"], generator)
    say(tmp_path / "TEST" / "DR2" / "FDDD0", ["evening", "nothing", "going"], generator)
    problem = recorded.timit(tmp_path)
    assert (len(problem.train), len(problem.valid), problem.outputs) == (7, 2, 2)
    assert len(problem.test) == 2  # what no word of the training split is called cannot be named
    assert problem.inputs == 13
    assert len(problem.train.x) == 29  # 5000 samples, windows of 400, one in 160
    assert [word for word, _ in read_words(tmp_path / "TEST", "ing")] == ["evening", "nothing", "going"]


def test_a_sphere_file_says_its_samples(tmp_path):
    samples = np.array([0, 1, -32768, 32767])
    (tmp_path / "a.wav").write_bytes(sphere(samples, rate=8000))
    found, rate = read_sphere(tmp_path / "a.wav")
    assert rate == 8000
    np.testing.assert_array_equal(found * 32768, samples)


def test_other_sounds_and_lists_are_refused(tmp_path):
    with wav.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(bytes(200))
    with pytest.raises(LmnMusicError, match="begin with NIST_1A"):
        read_sphere(tmp_path / "a.wav")
    good = sphere(np.zeros(100))
    for damaged in (good[:1100], good.replace(b"count -i 1\n", b"count -i 2\n"), good.replace(b"-s3 pcm", b"-s3 ulaw")):
        (tmp_path / "a.wav").write_bytes(damaged)
        with pytest.raises(LmnMusicError, match="no sound of TIMIT"):
            read_sphere(tmp_path / "a.wav")
    with pytest.raises(LmnMusicError, match="no word lists"):
        read_words(tmp_path, "ing")
    (tmp_path / "a.wrd").write_text("0 many going\n")
    (tmp_path / "a.wav").write_bytes(good)
    with pytest.raises(LmnMusicError, match='"0 many going" is not'):
        read_words(tmp_path, "ing")


def test_a_tone_is_loud_in_its_band():
    rate = 16000
    time = np.arange(rate) / rate
    low, high = (
        cepstrum(np.sin(2 * np.pi * f * time) + 0.3 * np.sin(2 * np.pi * 50 * time**2), rate) for f in (200, 5000)
    )
    assert low.shape == high.shape == (98, 13)
    np.testing.assert_allclose(low.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(low.std(axis=0), 1, atol=1e-2)
