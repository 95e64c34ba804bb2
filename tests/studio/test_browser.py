"""The whole way through the page in a real browser: drop, harmonise, rewrite, draw, play, take away; by keys, too."""

import io
import itertools
import shlex
import subprocess
from fractions import Fraction

import pretty_midi
import pytest

from lmn_music import api
from lmn_music.formats import read_piece, write_piece, write_roll
from tests.cli.helpers import TINY, command, lmn_music
from tests.helpers import make_roll
from tests.studio.browser import OPTIONS, PATIENCE, download, find_browser, until

pytestmark = pytest.mark.slow
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    path = find_browser()
    if path is None:
        pytest.skip("no browser is found: apt-get install chromium, or name one in LMN_MUSIC_BROWSER")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=OPTIONS, timeout=1000 * PATIENCE)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, address):
    """Give the page; whatever it asks of another host, or says to its console, fails the test."""
    context = browser.new_context(viewport=WIDE, accept_downloads=True)
    context.set_default_timeout(1000 * PATIENCE)
    opened, wrong = context.new_page(), []
    opened.on("console", lambda message: None if expected(message) else wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda request: wrong.append(request.url) if elsewhere(request.url, address) else None)
    opened.goto(address)
    opened.wait_for_selector("html[data-ready]")
    yield opened
    context.close()
    assert wrong == []


def expected(message):
    """An answer that is an error: the page puts it into words."""
    return message.type not in ("error", "warning") or "status of 400" in message.text


def elsewhere(url, address):
    return not url.startswith((address.split("?")[0], "blob:", "data:"))


def drop(page, path):
    """Drop a file on the page, as a hand does it."""
    page.evaluate(
        """([name, bytes]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], name));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        [path.name, list(path.read_bytes())],
    )
    until(page, "studio.history.now")


def midi(page):
    """Return the piece on the page as pretty_midi reads the downloaded file."""
    name, data = download(page, "#files button[data-suffix='.mid']")
    assert name == "song.mid"
    return pretty_midi.PrettyMIDI(io.BytesIO(data))


def pitches(song, part):
    return [note.pitch for note in song.instruments[part].notes]


def test_the_whole_way(page, tmp_path, monkeypatch):
    tune = api.sample_tune("old-hundredth").after(Fraction(17))  # its last four bars
    melody = [note.pitch for note in tune.parts[0].notes]
    write_piece(tune, tmp_path / "hymn.mid")
    drop(page, tmp_path / "hymn.mid")
    assert page.inner_text("#title") == "hymn"
    assert pitches(midi(page), 0) == melody

    page.fill("#seed", "1")
    page.select_option("#candidates", "2")
    page.click("#harmonise")
    until(page, "studio.view.growing?.frames.size > 3")  # it is drawn while it is composed
    until(
        page,
        "studio.history.now.candidates.length === 2 && studio.history.now.candidates.every((each) => each.surprise)",
    )
    assert page.locator("#cards .card").count() == 2
    assert "nats per frame for jsb" in page.inner_text("#cards")
    page.click("#cards button >> text='Choose'")
    second = midi(page)
    assert [track.name for track in second.instruments] == ["Melody", "Alto", "Tenor", "Bass"]
    assert pitches(second, 0) == melody
    page.click("#cards button >> text='Choose'")
    assert [pitches(midi(page), part) for part in (1, 2, 3)] != [pitches(second, part) for part in (1, 2, 3)]

    # The bars are chosen on the roll; what is outside them stays.
    until(page, "(studio.roll.scale = 24, studio.roll.paint(), true)")
    page.select_option("#candidates", "1")
    page.locator("#roll").scroll_into_view_if_needed()
    box = page.locator("#roll").bounding_box()
    x, y = box["x"] + 46, box["y"] + 200
    page.mouse.move(x + 24 * 8.5, y)
    page.mouse.down()
    page.mouse.move(x + 24 * 11, y, steps=4)
    page.mouse.up()
    assert (page.input_value("#first"), page.input_value("#last")) == ("3", "3")
    page.select_option("#voice", label="Bass")
    before = midi(page)
    page.click("#rewrite")
    until(page, "studio.history.now.label.startsWith('Bars 3 to 3 rewritten') && studio.history.now.surprise")
    after = midi(page)
    assert [pitches(after, part) for part in (0, 1, 2)] == [pitches(before, part) for part in (0, 1, 2)]

    # The commands make the same file out of the same tune.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tune.mid").write_bytes(download(page, "#base")[1])
    (tmp_path / "studio.mid").write_bytes(download(page, "#files button[data-suffix='.mid']")[1])
    lines = page.inner_text("#command").splitlines()
    assert len(lines) == 2
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "lmn-music"
        lmn_music(*words)
    assert read_piece(tmp_path / "song.mid").parts == read_piece(tmp_path / "studio.mid").parts

    page.click("#undo")
    assert pitches(midi(page), 3) == pitches(before, 3)
    page.click("#undo")
    assert pitches(midi(page), 0) == melody
    page.click("#redo")
    page.click("#redo")
    assert pitches(midi(page), 3) == pitches(after, 3)


def test_a_song_is_heard(page):
    page.select_option("#tune", "frere-jacques")
    until(page, "studio.history.now")
    page.click("#play")
    began = until(page, "studio.player.playing && studio.player.context.currentTime")
    until(page, "studio.player.level > 0.01")
    until(page, f"studio.player.context.currentTime > {began} + 0.5")
    assert page.evaluate("studio.player.position") > 0.5
    assert page.evaluate("studio.roll.head") > 0
    page.click("#play")
    at = page.evaluate("studio.player.position")
    page.wait_for_timeout(400)
    assert page.evaluate("studio.player.position") == at
    assert page.evaluate("studio.player.level") < 0.01
    name, data = download(page, "#files button[data-suffix='.wav']")
    assert (name, data[:4]) == ("song.wav", b"RIFF")
    # A loop comes back to its start.
    page.evaluate("studio.view.choose(4, 7)")
    page.click("#loop")
    page.fill("#tempo", "400")
    page.press("#tempo", "Enter")
    page.evaluate("studio.player.seek(4)")
    page.click("#play")
    until(page, "studio.player.position > 7")
    until(page, "studio.player.position < 6")
    assert page.evaluate("studio.player.playing")


def test_the_score_is_engraved_and_followed(page):
    pytest.importorskip("verovio")
    page.select_option("#tune", "frere-jacques")
    until(page, "studio.history.now")
    page.click("#tab-score")
    page.wait_for_selector("#score svg g.measure")
    assert page.locator("#score g.measure").count() == 8
    place = "Number(document.querySelector('#score .head').getAttribute('x1'))"
    page.evaluate("studio.player.seek(0)")
    first = page.evaluate(place)
    page.click("#play")
    until(page, f"{place} > {first} + 10")


def test_the_first_frame_comes_at_once(page):
    page.fill("#bars", "4")
    page.fill("#seed", "6")
    waited = []
    for _ in range(3):  # the machine may be at work on other things
        before = page.evaluate("studio.history.steps.length")
        waited.append(
            page.evaluate(
                """async (steps) => {
                    const here = () => studio.view.growing?.frames.size || studio.history.steps.length > steps;
                    const began = performance.now();
                    document.querySelector("#compose button").click();
                    while (!here()) await new Promise(requestAnimationFrame);
                    return performance.now() - began;
                }""",
                before,
            )
        )
        until(page, f"studio.history.steps.length > {before} && studio.history.now.surprise")
    assert page.evaluate("studio.history.now.song.bars.length") == 4
    assert min(waited) < 1000
    # The value of a note stands there when it is pointed at.
    x, y = page.evaluate(
        "[studio.roll.x(studio.view.song.notes[0].start), studio.roll.y(studio.view.song.notes[0].pitch)]"
    )
    page.hover("#roll", position={"x": x + 4, "y": y + 3})
    assert "nats (1 in" in page.inner_text("#here")


def test_a_song_plays_while_it_grows_and_can_be_stopped(page):
    page.fill("#bars", "200")
    page.fill("#density", "3")
    page.click("#compose button")
    until(page, "studio.view.growing?.frames.size > 4")
    page.click("#play")
    until(page, "studio.player.level > 0.01")
    until(page, "studio.player.position > 1")
    assert page.evaluate("studio.view.growing.end > studio.player.position")
    page.click("#stop")
    until(page, "!studio.view.growing")
    assert page.evaluate("studio.history.now") is None
    page.fill("#bars", "1")
    page.fill("#density", "")
    page.click("#compose button")
    until(page, "studio.history.now")


def test_everything_by_keys(page):
    page.focus("#draw")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "roll"
    for key in ("Enter", "ArrowRight", "ArrowUp", "ArrowUp", "Enter", "ArrowRight", "ArrowUp", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    assert pitches(midi(page), 0) == [60, 62, 64]
    page.focus("#roll")
    page.keyboard.press("Delete")
    page.keyboard.press("Control+z")
    assert pitches(midi(page), 0) == [60, 62, 64]
    page.focus("#roll")
    for key in ("Home", "Shift+ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    assert (page.input_value("#first"), page.input_value("#last")) == ("1", "2")
    page.keyboard.press("Escape")
    assert page.evaluate("studio.view.pick") is None
    page.keyboard.press("Space")
    until(page, "studio.player.playing")
    page.keyboard.press("Space")
    until(page, "!studio.player.playing")
    page.focus("#more")
    page.keyboard.type("1")  # after what stands there, 4: 41 bars
    page.keyboard.press("Backspace")
    page.fill("#seed", "3")
    page.focus("#continue")
    page.keyboard.press("Enter")
    until(page, "studio.history.now.label.startsWith('Continued')")
    page.focus("#tab-music")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#training")


def test_a_mouse_draws_and_removes_notes(page):
    page.click("#draw")
    page.select_option("#grid", "0.5")
    box = page.locator("#roll").bounding_box()
    place = page.evaluate("[studio.roll.x(1), studio.roll.y(67), studio.roll.scale]")
    x, y, scale = box["x"] + place[0] + 2, box["y"] + place[1] + 4, place[2]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + scale * 1.2, y, steps=3)
    page.mouse.up()
    (note,) = page.evaluate("studio.view.song.notes.map(({ pitch, start, end }) => [pitch, start, end])")
    assert note == [67, 1, 2.5]
    page.mouse.click(x, y)
    assert page.evaluate("studio.view.song.notes.length") == 0
    assert page.locator("#files button").first.is_disabled()


def test_errors_are_words_of_the_page(page):
    page.click("#harmonise")
    assert "There is no tune yet" in page.inner_text("#status")
    page.set_input_files("#file", {"name": "broken.mid", "mimeType": "audio/midi", "buffer": b"MThd and no more"})
    until(page, "document.getElementById('status').textContent.startsWith('Broken.mid')")
    page.select_option("#tune", "frere-jacques")
    until(page, "studio.history.now")
    page.fill("#first", "90")
    page.fill("#last", "91")
    page.click("#rewrite")
    until(page, "document.getElementById('status').textContent.includes('There are no bars 90 to 91')")


def test_without_the_token_the_page_says_what_to_do(browser, address):
    page = browser.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(address.split("?")[0])
    page.wait_for_selector("#status.error")
    assert "open the whole address" in page.inner_text("#status")
    page.close()


def test_the_memory_is_drawn(page):
    page.select_option("#model", "nottingham")
    page.fill("#bars", "4")
    page.click("#compose button")
    until(page, "studio.history.now")
    page.click("#tab-memory")
    until(page, "studio.view.remembered?.at === 15 || studio.view.remembered?.at === 16")
    assert "in the frame itself" in page.inner_text("#held")
    page.focus("#frame")
    page.keyboard.press("ArrowRight")
    until(page, "studio.view.remembered?.at > 16")


def test_a_training_is_watched_while_it_runs(page, runs, tmp_path):
    """Its curves move, the hand-over is marked, and it trains on while music is composed from its last checkpoint."""
    page.fill("#bars", "2")
    page.click("#tab-training")
    page.wait_for_selector("#none >> text=lmn-music train")
    for seed in range(12):
        write_roll(make_roll(20 + seed, seed, frames_per_quarter=2), tmp_path / f"{seed}.mid")
    endless = ["--recipe", "lmn", *TINY, "--epochs", "100000", "--set", "training.stop=100000"]
    arguments = [command(), "train", str(tmp_path), "--out", str(runs / "tiny"), *endless]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as training:
        try:
            figures = "document.querySelector('#runs .plot')?.getAttribute('aria-label') ?? ''"
            first = until(page, f"/Stage lmn, epoch (\\d+): .*After epoch 1, hand-over: /.exec({figures})?.[1]")
            until(page, f"/Stage lmn, epoch (\\d+)/.exec({figures})[1] > {first} + 5")
            assert page.inner_text("#runs .badge") == "training"
            assert str(runs) not in page.content()
            page.click("#runs button")
            until(page, "studio.history.now?.model === 'run tiny' && studio.history.now.surprise")
            assert "runs/tiny" in page.inner_text("#command")
            assert training.poll() is None
            page.click("#tab-training")
            composed = page.evaluate(f"/Stage lmn, epoch (\\d+)/.exec({figures})[1]")
            until(page, f"/Stage lmn, epoch (\\d+)/.exec({figures})[1] > {composed} + 5")
        finally:
            training.terminate()
    page.wait_for_selector("#runs .badge", state="detached")


def test_everybody_can_use_it(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page.select_option("#model", "nottingham")
    page.fill("#bars", "2")
    page.select_option("#candidates", "2")
    page.click("#compose button")
    until(page, "studio.history.now?.candidates.filter((each) => each.surprise).length === 2")
    page.select_option("#colour", "surprise")
    for theme, viewport in itertools.product(("light", "dark"), (WIDE, NARROW)):
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=theme)
        assert until(page, f"document.documentElement.dataset.theme === '{theme}'")
        for tab, there in (
            ("score", "#score svg"),
            ("memory", "#lags"),
            ("training", "#none"),
            ("music", "#cards .card"),
        ):
            page.click(f"#tab-{tab}")
            until(page, f"document.querySelector('{there}')")
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
            found = axe.Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
