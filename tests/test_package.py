"""What is installed is complete: a wheel, made out of the sdist, composes in an environment of its own."""

import os
import shutil
import site
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import mido
import pytest
import yaml

import lmn_music

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = [
    "lmn_music/py.typed",
    "lmn_music/checkpoints/jsb.safetensors",
    "lmn_music/data/chorales_split.csv",
    "lmn_music/data/samples/greensleeves.musicxml",
    "lmn_music/evaluation/published.toml",
    "lmn_music/studio/static/index.html",
    "lmn_music/studio/static/main.js",
    "lmn_music/training/recipes/tied.toml",
]
# In the new environment: our own package is its own, what it depends on is lent by the environment of the tests.
WHERE = "import lmn_music; print(lmn_music.__file__)"


def run(*command, cwd, code=0, **environment):
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LMN_MUSIC_DATA")}
    done = subprocess.run(command, cwd=cwd, env=inherited | environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def build(what, folder, out):
    """Build a wheel or an sdist with the build backend that is installed, so without the network."""
    run(sys.executable, "-m", "hatchling", "build", "--target", what, "--directory", str(out), cwd=folder)
    (built,) = out.iterdir()
    return built


@pytest.mark.slow
def test_a_wheel_out_of_the_sdist_composes(tmp_path):
    with tarfile.open(build("sdist", ROOT, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    for name in ("tests/conftest.py", "studies/__init__.py", "docs/architecture.md", "Makefile", "LICENSE"):
        assert (unpacked / name).is_file()
    wheel = build("wheel", unpacked, tmp_path / "wheel")
    names = zipfile.ZipFile(wheel).namelist()
    assert not set(SHIPPED) - set(names)
    assert {name.split("/")[0] for name in names} == {"lmn_music", f"lmn_music-{lmn_music.__version__}.dist-info"}

    venv.create(tmp_path / "fresh", with_pip=False, symlinks=True)
    python, command = (str(tmp_path / "fresh" / "bin" / name) for name in ("python", "lmn-music"))
    purelib = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    install = ("-m", "pip", "--python", python, "install", "--no-deps", "--no-index", str(wheel))
    run(sys.executable, *install, cwd=tmp_path)
    (purelib / "lent.pth").write_text("\n".join(site.getsitepackages()))
    assert Path(run(python, "-c", WHERE, cwd=tmp_path).strip()).parent == purelib / "lmn_music"

    run(command, "generate", "--out", "song.mid", "--bars", "2", "--seed", "1", cwd=tmp_path)
    notes = [message for message in mido.MidiFile(tmp_path / "song.mid") if message.type == "note_on"]
    assert len(notes) > 4
    assert "in a copy of its repository" in run(command, "experiment", "report", cwd=tmp_path, code=1)


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == lmn_music.__version__
    assert {"message", "title", "authors"} <= set(citation)
    readme = " ".join((ROOT / "README.md").read_text().split())
    for work in citation["references"]:
        assert {"type", "title", "authors", "year"} <= set(work)
    assert sum(work["title"] in readme for work in citation["references"]) >= 2


def test_the_repository_stays_under_5_mb():
    """All files of a checkout, models included; the history does not count."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    sizes = {name: (ROOT / name).stat().st_size for name in listed.stdout.split("\0") if (ROOT / name).is_file()}
    assert sum(sizes.values()) < 5_000_000, sorted(sizes, key=sizes.get)[-10:]
