// The page: what each control does. All music comes from the server; this file only asks for it and shows it.

import { json, lines, sentence } from "./api.js";
import { Away } from "./away.js";
import { History } from "./history.js";
import { Memory } from "./memory.js";
import { Player } from "./player.js";
import { Roll, sketch } from "./roll.js";
import { Score } from "./score.js";
import { Growing, keyName, Song, USUAL_TEMPO } from "./song.js";
import { odds, Surprise } from "./surprise.js";
import { Training } from "./training.js";

const $ = (id) => document.getElementById(id);
const about = await json("api/about").catch((error) => {
  say(error.message, true);
  throw error;
});

// --- state: what the roll, the player and the panels look at

const history = new History(show);
const view = {
  growing: null, pick: null, pen: false, grid: 1, colour: "voice", remembered: null,
  get song() { return history.now?.song ?? null; },
  get surprise() { return history.now?.surprise ?? null; },
  choose, point,
  click: (time) => {
    player.seek(snapped(time));
    memory.at(time);
  },
  add: (note) => edit(view.song.withNote(penPart(), note.pitch, note.start, note.end)),
  remove: (note) => edit(view.song.withoutNote(note)),
};
const roll = new Roll($("roll"), view);
const player = new Player({
  sampled: about.sampled,
  moved: (time) => {
    roll.head = time;
    if (player.playing) roll.follow(time);
    roll.draw();
    score.at(time);
  },
  ended: () => showPlaying(),
  failed: (error) => say(error.message, true),
});
player.source = () => {
  const { song, growing } = view;
  if (song && !growing) return song;
  const clock = growing?.before ?? new Song({ piece: { parts: [], length: "0", tempos: [["0", Number($("tempo").value)]] }, bars: [] });
  const notes = [...(growing?.before?.notes ?? []), ...(growing?.notes ?? [])];
  return { notes, end: growing?.end ?? 0, growing: Boolean(growing), second: (time) => clock.second(time), time: (second) => clock.time(second) };
};
const away = new Away({ now: () => history.now, failed: (error) => say(error.message, true), writes: about.writes });
const memory = new Memory({ panel: $("memory"), view, roll, model: () => $("model").value, failed: (error) => say(error.message, true) });
const score = new Score({ panel: $("score"), view, failed: (error) => say(error.message, true) });
const training = new Training({
  panel: $("training"),
  compose: (model) => {
    if (![...$("model").options].some(({ value }) => value === model)) $("model").append(new Option(`${model.slice(4)} (your run)`, model));
    $("model").value = model;
    $("tab-music").click();
    compose();
  },
  failed: (error) => say(error.message, true),
});
let work = null; // what can be stopped

// --- words

function say(text, isError = false) {
  $("status").textContent = text;
  $("status").hidden = !text;
  $("status").classList.toggle("error", isError);
}

async function attempt(doing) {
  try {
    say("");
    return await doing();
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, true);
    return null;
  }
}

// --- showing

function show() {
  const step = history.now;
  view.remembered = null;
  $("title").textContent = step ? step.title : "Nothing yet";
  if (step) $("tempo").value = Number(step.song.tempo.toFixed(2));
  $("undo").disabled = !history.canUndo;
  $("redo").disabled = !history.canRedo;
  showVoices();
  showFacts();
  showCards();
  away.show();
  memory.show();
  score.show();
  roll.draw();
}

function showFacts() {
  const step = history.now;
  if (!step) return;
  const parts = [step.label];
  if (step.song.passedOver) parts.push(sentence(step.song.passedOver));
  if (step.surprise) parts.push(`${likelihood(step.surprise)} ${originality(step.surprise)}`);
  else if (step.reading) parts.push("The model reads it ...");
  $("facts").textContent = parts.filter(Boolean).join(" · ");
  showLegend();
}

function likelihood({ nats, usual, model }) {
  return `${nats.toFixed(2)} nats per frame for ${model}${usual ? ` (its test songs: ${usual.toFixed(2)})` : ""}.`;
}

function originality({ shared }) {
  if (shared === null) return "How original it is is not known: the songs of the training are not on this machine.";
  return `At most ${shared} ${shared === 1 ? "chord" : "chords"} in a row as in a training song.`;
}

function showLegend() {
  const item = (colour, text) => {
    const line = document.createElement("li"), mark = document.createElement("i");
    mark.style.setProperty("--c", `var(--${colour})`);
    line.append(mark, text);
    return line;
  };
  const steps = [0, ...about.scale.bounds];
  const parts = (view.song?.piece.parts ?? []).map(({ name }, place) => item(`p${place % 6}`, name || `Voice ${place + 1}`));
  const shown = view.colour === "surprise" && view.surprise
    ? steps.map((from, place) => item(`s${place}`, place < steps.length - 1 ? `${from} to ${steps[place + 1]}` : `${from} nats and more`))
    : parts;
  $("legend").replaceChildren(...shown);
}

function showVoices() {
  const parts = (view.song?.piece.parts ?? []).filter(({ drums }) => !drums), chosen = $("voice").value;
  const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });
  $("voice").replaceChildren(option("", "all voices"), ...parts.map(({ name }, place) => option(String(place + 1), name || `Voice ${place + 1}`)));
  $("voice").value = Number(chosen) <= parts.length ? chosen : "";
}

function showPlaying() {
  $("play").textContent = player.playing ? "Pause" : "Play";
  $("play").setAttribute("aria-pressed", player.playing);
}

function point(time, pitch) {
  const { song, surprise } = view;
  if (!song) return;
  const note = roll.noteAt(time, pitch), words = [`${song.place(time)}: ${keyName(pitch)}`];
  if (note) {
    const { name } = song.piece.parts[note.part], nats = surprise?.of(note);
    words[0] = `${song.place(time)}: ${keyName(pitch)}${name ? ` of ${name}` : ""}`;
    if (nats !== null && nats !== undefined) words.push(`${nats.toFixed(2)} nats (${odds(nats)})`);
  }
  const frame = surprise ? Math.floor(time * surprise.per) : -1;
  if (surprise?.frames[frame]) {
    const [onsets, held, silence] = surprise.frames[frame], instead = surprise.instead(time);
    words.push(`the frame: ${(onsets + held + silence).toFixed(2)} nats = notes that begin ${onsets.toFixed(2)}, notes held ${held.toFixed(2)}, silent keys ${silence.toFixed(2)}`);
    if (instead) words.push(`expected as well: ${instead}`);
  }
  $("here").textContent = words.join(" · ");
}

// --- choosing bars

function choose(from, until) {
  const { song } = view;
  if (from === null || !song?.bars.length) view.pick = null;
  else {
    const [first, last] = [song.bar(Math.min(from, until)), song.bar(Math.max(from, until))];
    view.pick = { start: first.start, end: last.end };
    $("first").value = first.number;
    $("last").value = last.number;
    $("here").textContent = `Chosen: bars ${first.number} to ${last.number}`;
  }
  if (player.loop) player.loop = loopOf();
  roll.draw();
}

function loopOf() { return view.pick ?? { start: 0, end: view.song?.end ?? 0 }; }
function snapped(time) { return Math.floor(time / view.grid) * view.grid; }
function penPart() { return view.song.piece.parts.findIndex(({ drums }) => !drums); }

// --- steps

function begin(song, label) {
  work?.abort();
  view.pick = null;
  player.at = 0;
  history.push({ song, title: song.piece.title || "A tune", label, base: song, commands: [], candidates: [] });
  readSoon();
}

function edit(song) {
  if (work || !song.piece.parts.length) return;
  history.push({ song, title: history.now.title, label: "Edited", base: song, commands: [], candidates: [] });
  readSoon();
}

let timer = 0;
function readSoon() {
  clearTimeout(timer);
  timer = setTimeout(() => history.now && readStep(history.now), 400);
}

// Asks how surprising a step's song is; each step keeps the answer.
async function readStep(step) {
  if (step.surprise || step.reading || !step.song.notes.length) return;
  step.reading = true;
  showFacts();
  try {
    const answer = await json("api/surprise", { body: { piece: step.song.piece, model: $("model").value } });
    step.surprise = new Surprise(answer, about.scale.bounds);
  } catch (error) {
    say(error.message, true);
  }
  step.reading = false;
  if (step === history.now) showFacts();
  showCards();
  roll.draw();
}

async function make(path, body, label, before) {
  if (work) return;
  work = new AbortController();
  const old = history.now, seed = $("seed").value;
  body = { ...body, model: $("model").value, temperature: Number($("temperature").value), candidates: Number($("candidates").value) };
  body.seed = seed === "" ? Math.floor(Math.random() * 2 ** 31) : Number(seed);
  const made = [];
  $("stop").hidden = false;
  for (const id of ["undo", "redo"]) $(id).disabled = true;
  player.loop = null;
  $("loop").setAttribute("aria-pressed", false);
  $("rollbox").scrollIntoView({ block: "nearest" });
  let done = false;
  await attempt(async () => {
    say("The model composes ...");
    await lines(path, { body, signal: work.signal }, (event) => {
      if (event.ahead !== undefined) say(`${event.ahead} before this: it waits for its turn ...`);
      else if (event.candidate !== undefined) {
        view.growing = made.length ? null : new Growing(before); // the first one stays on the roll
        say(body.candidates > 1 ? `The model composes candidate ${event.candidate + 1} of ${body.candidates} ...` : "The model composes ...");
      } else if (event.frame) {
        view.growing?.add(event.frame);
        if (view.growing && !player.playing) roll.follow(event.frame[1]);
        roll.draw();
      } else if (event.song) {
        const song = new Song(event.song);
        const commands = [...(before ? old.commands : []), event.song.command];
        made.push({ song, title: before ? old.title : `A song of ${body.model}`, label: `${label}, seed ${event.song.seed}`, base: before ? old.base : null, commands, candidates: made, model: body.model });
        if (made.length === 1) {
          view.growing = null;
          history.push(made[0]);
          if (!player.playing) $("rollbox").scrollLeft = Math.max(0, ((song.fresh?.[0] ?? 0) - 4) * roll.scale);
        }
      } else if (event.done) done = true;
    });
    say("");
  });
  work = null;
  if (!done && !made.length && player.playing) player.pause();
  view.growing = null;
  $("stop").hidden = true;
  show();
  for (const step of made) await readStep(step);
}

// --- candidates

function showCards() {
  const step = history.now, made = step?.candidates ?? [];
  $("choice").hidden = made.length < 2;
  if (made.length < 2) return $("cards").replaceChildren();
  $("cards").replaceChildren(...made.map((each) => {
    const card = document.createElement("li"), picture = document.createElement("canvas"), words = document.createElement("p");
    const use = Object.assign(document.createElement("button"), { type: "button", textContent: each === step ? "Chosen" : "Choose" });
    card.className = "card";
    if (each === step) card.dataset.chosen = "";
    use.setAttribute("aria-pressed", each === step);
    use.setAttribute("aria-label", `${each === step ? "Chosen" : "Choose"}: seed ${each.song.seed}`);
    picture.setAttribute("aria-hidden", "true");
    words.textContent = `Seed ${each.song.seed}. ${each.surprise ? `${likelihood(each.surprise)} ${originality(each.surprise)}` : "Not read yet."}`;
    use.addEventListener("click", () => history.replace(each));
    card.append(picture, words, use);
    requestAnimationFrame(() => sketch(picture, each.song));
    return card;
  }));
}

// --- controls

function compose() {
  const density = $("density").value;
  const body = { bars: Number($("bars").value), density: density === "" ? null : Number(density), tempo: Number($("tempo").value) };
  player.pause();
  player.seek(0);
  return make("api/compose", body, "Composed", null);
}

function arrange(what, options, label) {
  if (!view.song?.notes.length) return say("There is no tune yet: compose one, drop a file, or draw one.", true);
  return make("api/arrange", { what, piece: view.song.piece, ...options }, label, view.song);
}

async function open(file) {
  if (file.size > about.most_bytes) return say(`This file has more than ${about.most_bytes / 1e6} MB, which is the most that the studio takes.`, true);
  const answer = await attempt(() => json(`api/read?name=${encodeURIComponent(file.name)}`, { body: file }));
  if (answer) begin(new Song(answer), `From ${file.name}`);
}

$("model").addEventListener("change", async () => {
  const step = history.now, all = step ? new Set([step, ...step.candidates]) : [];
  for (const each of all) each.surprise = null;
  show();
  for (const each of all) await readStep(each);
});
$("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  compose();
});
$("harmonise").addEventListener("click", () => arrange("harmonise", { voices: Number($("voices").value) }, "Harmonised"));
$("continue").addEventListener("click", () => arrange("continue", { bars: Number($("more").value) }, "Continued"));
$("rewrite").addEventListener("click", () => {
  const voice = $("voice").value, [first, last] = [Number($("first").value), Number($("last").value)];
  arrange("rewrite", { first, last, voice: voice ? Number(voice) : null }, `Bars ${first} to ${last} rewritten`);
});
$("stop").addEventListener("click", () => work?.abort());
$("file").addEventListener("change", () => {
  if ($("file").files[0]) open($("file").files[0]);
  $("file").value = "";
});
$("tune").addEventListener("change", async () => {
  const name = $("tune").value;
  if (!name) return;
  const answer = await attempt(() => json(`api/tunes/${name}`));
  if (answer) begin(new Song(answer), "One of our tunes");
});
$("draw").addEventListener("click", () => {
  begin(Song.empty(), "Draw notes with the mouse, or move with the arrow keys and press Enter");
  setPen(true);
  roll.canvas.focus();
});
function setPen(on) {
  view.pen = on;
  $("pen").setAttribute("aria-pressed", on);
  roll.canvas.classList.toggle("pen", on);
}
$("pen").addEventListener("click", () => (view.song ? setPen(!view.pen) : $("draw").click()));
$("grid").addEventListener("change", () => { view.grid = Number($("grid").value); roll.draw(); });
$("colour").addEventListener("change", () => { view.colour = $("colour").value; showLegend(); roll.draw(); });
$("zoom").addEventListener("input", () => { roll.scale = 8 * 1.45 ** Number($("zoom").value); roll.draw(); });
$("tempo").addEventListener("change", () => {
  const tempo = Math.min(400, Math.max(10, Number($("tempo").value) || USUAL_TEMPO)), step = history.now;
  if (!step) return;
  const at = player.position, commands = step.commands.map((words) => [...words]), first = commands[0];
  if (first?.[0] === "generate") {
    const place = first.indexOf("--tempo");
    if (place >= 0) first.splice(place, 2);
    if (tempo !== 90) first.push("--tempo", String(tempo));
  }
  history.push({ ...step, song: step.song.withTempo(tempo), base: step.base?.withTempo(tempo), commands, candidates: [] });
  if (player.playing) player.seek(at);
});
async function toggle() {
  if (player.playing) return player.pause();
  if (!view.song?.notes.length && !view.growing) return say("There is nothing to play yet.", true);
  await attempt(() => player.play());
  showPlaying();
}
$("play").addEventListener("click", toggle);
$("start").addEventListener("click", () => { player.seek(0); $("rollbox").scrollLeft = 0; });
$("loop").addEventListener("click", () => {
  player.loop = player.loop ? null : loopOf();
  $("loop").setAttribute("aria-pressed", Boolean(player.loop));
});
$("undo").addEventListener("click", () => history.undo());
$("redo").addEventListener("click", () => history.redo());
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if ((event.ctrlKey || event.metaKey) && ["z", "Z", "y"].includes(key) && !work && !target.matches("input")) {
    event.preventDefault();
    if (key === "z") history.undo();
    else history.redo();
  } else if (key === " " && !target.matches("input, select, button, label, pre")) {
    event.preventDefault();
    toggle();
  }
});
for (const kind of ["dragover", "dragleave", "drop"])
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
  });

// --- tabs, and light and dark

function tabs(list, opened = () => {}) {
  const all = [...list.querySelectorAll("[role=tab]")];
  const select = (tab) => {
    for (const each of all) {
      each.setAttribute("aria-selected", each === tab);
      each.tabIndex = each === tab ? 0 : -1;
      $(each.getAttribute("aria-controls")).hidden = each !== tab;
    }
    opened(tab.getAttribute("aria-controls"));
  };
  list.addEventListener("click", ({ target }) => target.matches("[role=tab]") && select(target));
  list.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = all[(all.indexOf(document.activeElement) + by + all.length) % all.length];
    next.focus();
    select(next);
  });
  return select;
}
tabs($("rooms"), (room) => training.show(room === "training"));
tabs($("views"), () => {
  memory.show();
  score.show();
});

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = theme === "dark" ? "Light" : "Dark";
  about.scale[theme === "dark" ? "on_black" : "on_white"].forEach((colour, place) => document.documentElement.style.setProperty(`--s${place}`, colour));
  showLegend();
  showCards();
  memory.show();
  roll.draw();
}
const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => setTheme(dark.matches ? "dark" : "light"));
$("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));

// --- beginning

for (const name of about.models) $("model").append(new Option(name.startsWith("run ") ? `${name.slice(4)} (your run)` : about.titles[name] ?? name, name));
for (const name of about.tunes) $("tune").append(new Option(name.replaceAll("-", " "), name));
$("file").accept = about.reads.join(",");
$("zoom").dispatchEvent(new Event("input"));
setTheme(dark.matches ? "dark" : "light");
away.show();
window.studio = { about, history, player, view, roll }; // for those who open the console
document.documentElement.dataset.ready = "";
