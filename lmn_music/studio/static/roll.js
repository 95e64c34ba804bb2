// The piano-roll on a canvas, with the curve of surprise above it. Mouse and keys do the same things.

import { isBlack, keyName } from "./song.js";

const LEFT = 46, CURVE = 58, FOOT = 20; // pixels
const ROWS = 24; // at least
const PARTS = 6; // colours

export class Roll {
  constructor(canvas, view) {
    this.canvas = canvas;
    this.view = view; // what to show: song, growing, surprise, colour, pick, pen, grid, remembered
    this.spacer = canvas.parentElement;
    this.box = this.spacer.parentElement;
    this.scale = 24; // pixels of a quarter note
    this.cursor = { time: 0, pitch: 60 };
    this.head = null;
    this.drag = null;
    this.asked = 0;
    this.box.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.box);
    for (const kind of ["pointerdown", "pointermove", "pointerup", "pointercancel", "pointerleave"])
      canvas.addEventListener(kind, (event) => this[kind]?.(event));
    canvas.addEventListener("keydown", (event) => this.keydown(event));
    canvas.addEventListener("focus", () => this.tell());
  }

  // --- where things are

  get height() { return CURVE + FOOT + Math.max(260, Math.min(460, this.rows * 11)); }
  get rows() { return this.high - this.low + 1; }
  x(time) { return LEFT + time * this.scale - this.box.scrollLeft; }
  y(pitch) { return CURVE + ((this.high - pitch) * (this.height - CURVE - FOOT)) / this.rows; }
  time(x) { return Math.max(0, (x + this.box.scrollLeft - LEFT) / this.scale); }
  pitch(y) { return Math.max(0, Math.min(127, this.high - Math.floor(((y - CURVE) * this.rows) / (this.height - CURVE - FOOT)))); }

  measure() {
    const { song, growing } = this.view;
    let [low, high] = song?.pitches ?? [60, 72];
    for (const { pitch } of growing?.notes ?? []) [low, high] = [Math.min(low, pitch), Math.max(high, pitch)];
    const more = Math.max(2, Math.ceil((ROWS - (high - low + 1)) / 2));
    // Nothing moves away under the pen while there is room.
    if (!this.view.pen || !(this.low <= low && high <= this.high))
      [this.low, this.high] = [Math.max(0, low - more), Math.min(127, high + more)];
    this.end = Math.max(song?.end ?? 16, growing?.end ?? 0);
  }

  // --- drawing

  draw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      this.paint();
    });
  }

  paint() {
    this.measure();
    const { song, growing, pick, surprise, colour } = this.view;
    const width = this.box.clientWidth, height = this.height, ratio = devicePixelRatio || 1;
    if (!width) return;
    this.spacer.style.width = `${Math.ceil(LEFT + this.end * this.scale + 24)}px`;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
      [this.canvas.style.width, this.canvas.style.height] = [`${width}px`, `${height}px`];
    }
    const style = getComputedStyle(document.documentElement);
    const tone = (name) => style.getPropertyValue(`--${name}`).trim();
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const step = (height - CURVE - FOOT) / this.rows, bottom = height - FOOT;
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    for (let pitch = this.low; pitch <= this.high; pitch++) {
      if (isBlack(pitch)) {
        pen.fillStyle = tone("black");
        pen.fillRect(0, this.y(pitch), width, step);
      }
      if (pitch % 12 === 0) {
        pen.fillStyle = tone("line");
        pen.fillRect(LEFT, this.y(pitch) + step - 0.5, width, 1);
      }
    }
    const bars = song?.bars ?? [];
    const gap = Math.ceil(34 / Math.max(1, (bars[1]?.end - bars[1]?.start || 4) * this.scale));
    for (const { number, start } of bars) {
      const x = this.x(start);
      if (x < LEFT - 1 || x > width) continue;
      pen.fillStyle = tone("line");
      pen.fillRect(x - 0.5, 0, 1, bottom);
      if (number % gap === 0 || gap === 1 || number === 1) {
        pen.fillStyle = tone("soft");
        pen.fillText(number, x + 3, bottom + FOOT / 2);
      }
    }
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, width, height);
    pen.clip();
    if (pick) {
      pen.fillStyle = tone("pick");
      pen.globalAlpha = 0.14;
      pen.fillRect(this.x(pick.start), 0, (pick.end - pick.start) * this.scale, bottom);
      pen.globalAlpha = 1;
    }
    if (song?.fresh) {
      pen.fillStyle = tone("p1");
      pen.fillRect(this.x(song.fresh[0]), bottom - 3, (song.fresh[1] - song.fresh[0]) * this.scale, 3);
    }
    this.paintCurve(pen, tone, width);
    if (this.view.remembered) this.paintMemory(pen, tone, step);
    const seen = (note) => this.x(note.end) >= LEFT && this.x(note.start) <= width;
    const box = (note, fill, alpha = 1) => {
      pen.fillStyle = fill;
      pen.globalAlpha = alpha;
      const x = this.x(note.start), y = this.y(note.pitch) + 0.5;
      pen.beginPath();
      pen.roundRect(x + 0.5, y, Math.max(2, (note.end - note.start) * this.scale - 1), Math.max(2, step - 1), Math.min(3, step / 3));
      pen.fill();
      pen.globalAlpha = 1;
    };
    const faded = this.view.remembered ? 0.25 : growing ? 0.5 : 1;
    for (const note of song?.notes ?? [])
      if (seen(note)) box(note, colour === "surprise" && surprise ? tone(`s${surprise.step(note)}`) : tone(`p${note.part % PARTS}`), faded);
    for (const note of growing?.notes ?? []) if (seen(note)) box(note, tone("p1"));
    if (this.drag?.note) box(this.drag.note, tone("pick"), 0.7);
    const here = this.cursor;
    if (document.activeElement === this.canvas && song) {
      pen.strokeStyle = tone("text");
      pen.lineWidth = 1.5;
      pen.strokeRect(this.x(here.time), this.y(here.pitch), this.view.grid * this.scale, step);
    }
    if (this.head !== null) {
      pen.fillStyle = tone("head");
      pen.fillRect(this.x(this.head) - 1, 0, 2, bottom);
    }
    pen.restore();
    pen.fillStyle = tone("row");
    pen.fillRect(0, 0, LEFT, height);
    pen.fillStyle = tone("soft");
    pen.textAlign = "right";
    for (let pitch = this.low; pitch <= this.high; pitch++)
      if (pitch % 12 === 0) pen.fillText(keyName(pitch), LEFT - 8, this.y(pitch) + step / 2);
    if (surprise) {
      pen.fillText(surprise.highest.toFixed(1), LEFT - 8, 10);
      pen.fillText("nats", LEFT - 8, 24);
      pen.fillText("0", LEFT - 8, CURVE - 8);
    }
    pen.textAlign = "left";
  }

  paintCurve(pen, tone, width) {
    const { surprise, growing } = this.view;
    if (!surprise || growing) return;
    const floor = CURVE - 4, high = floor - 4;
    pen.fillStyle = tone("curve");
    surprise.frames.forEach((parts, frame) => {
      const x = this.x(frame / surprise.per), next = this.x((frame + 1) / surprise.per);
      if (next < LEFT || x > width) return;
      const tall = (high * surprise.total(frame)) / surprise.highest;
      pen.fillRect(x, floor - tall, Math.max(1, next - x - 0.5), tall);
    });
    pen.fillStyle = tone("edge");
    pen.fillRect(LEFT, floor, width, 1);
  }

  // What the memory holds at a frame: the darker a key, the more surely it is read out.
  paintMemory(pen, tone, step) {
    const { per, at, lags, lowest } = this.view.remembered;
    pen.fillStyle = tone("p3");
    lags.forEach((keys, lag) => {
      const x = this.x((at - lag) / per), wide = this.scale / per;
      keys.forEach((share, key) => {
        if (share < 0.04 || lowest + key < this.low || lowest + key > this.high) return;
        pen.globalAlpha = Math.min(1, share);
        pen.fillRect(x, this.y(lowest + key), wide, step);
      });
    });
    pen.globalAlpha = 1;
    pen.fillStyle = tone("head");
    pen.fillRect(this.x((at + 1) / per) - 1, CURVE, 2, this.height - CURVE - FOOT);
  }

  // --- pointing

  noteAt(time, pitch) { return this.view.song?.notes.findLast((note) => note.pitch === pitch && note.start <= time && time < note.end); }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { time: this.time(event.clientX - box.left), pitch: this.pitch(event.clientY - box.top), y: event.clientY - box.top };
  }

  pointerdown(event) {
    if (event.button) return;
    const { time, pitch, y } = this.place(event);
    const { grid, pen, song } = this.view;
    if (!song || this.view.growing) return;
    this.cursor = { time: Math.floor(time / grid) * grid, pitch };
    this.canvas.setPointerCapture(event.pointerId);
    const note = this.noteAt(time, pitch);
    if (pen && y > CURVE) {
      if (note) this.view.remove(note);
      else this.drag = { note: { pitch, start: this.cursor.time, end: this.cursor.time + grid } };
      event.preventDefault();
      this.canvas.focus();
    } else this.drag = { from: time, moved: false };
    this.tell();
    this.draw();
  }

  pointermove(event) {
    const { time, pitch } = this.place(event);
    const { grid } = this.view;
    if (this.drag?.note) {
      const { note } = this.drag;
      note.end = Math.max(note.start + grid, Math.ceil(time / grid) * grid);
    } else if (this.drag) {
      this.drag.moved ||= Math.abs(time - this.drag.from) * this.scale > 6;
      if (this.drag.moved) this.view.choose(this.drag.from, time);
    } else {
      this.view.point(time, pitch);
      return;
    }
    this.draw();
  }

  pointerup(event) {
    const drag = this.drag;
    this.drag = null;
    if (drag?.note) this.view.add(drag.note);
    else if (drag && !drag.moved) this.view.click(this.place(event).time);
    this.draw();
  }

  pointercancel() {
    this.drag = null;
    this.draw();
  }

  // --- keys

  keydown(event) {
    const { grid, song } = this.view;
    if (!song || event.ctrlKey || event.metaKey || event.altKey) return;
    const here = this.cursor, bar = song.bar(here.time);
    const sideways = { ArrowLeft: -grid, ArrowRight: grid }[event.key];
    if (event.shiftKey && sideways) {
      const [from, to] = this.span ?? [bar, bar];
      const next = this.span ? song.bars[song.bars.indexOf(to) + Math.sign(sideways)] : to;
      if (next) {
        this.span = [from, next];
        this.view.choose(Math.min(from.start, next.start), Math.max(from.end, next.end) - 1e-6);
      }
    } else if (sideways) here.time = Math.max(0, here.time + sideways);
    else if (event.key === "ArrowUp") here.pitch = Math.min(127, here.pitch + 1);
    else if (event.key === "ArrowDown") here.pitch = Math.max(0, here.pitch - 1);
    else if (event.key === "PageDown") here.time = bar?.end ?? here.time;
    else if (event.key === "PageUp") here.time = (song.bars.findLast(({ start }) => start < here.time) ?? { start: 0 }).start;
    else if (event.key === "Home") here.time = 0;
    else if (event.key === "End") here.time = Math.max(0, song.end - grid);
    else if (event.key === "Escape") this.view.choose(null);
    else if (["Enter", "Delete", "Backspace"].includes(event.key)) {
      const note = this.noteAt(here.time + 1e-6, here.pitch);
      if (note) this.view.remove(note);
      else if (event.key === "Enter") this.view.add({ pitch: here.pitch, start: here.time, end: here.time + grid });
    } else return;
    if (!event.shiftKey) this.span = null;
    event.preventDefault();
    [this.low, this.high] = [Math.min(this.low, here.pitch), Math.max(this.high, here.pitch)];
    this.follow(here.time);
    this.tell();
    this.draw();
  }

  tell() { this.view.point(this.cursor.time + 1e-6, this.cursor.pitch); }

  // Scrolls so that a time is on the screen.
  follow(time) {
    const x = this.x(time), width = this.box.clientWidth;
    if (x < LEFT || x > width - 40) this.box.scrollLeft = Math.max(0, time * this.scale - width / 4);
  }
}

// A small picture of a song for a card.
export function sketch(canvas, song) {
  const ratio = devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = canvas;
  [canvas.width, canvas.height] = [width * ratio, height * ratio];
  const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  pen.scale(ratio, ratio);
  const [low, high] = song.pitches, step = (height - 8) / (high - low + 1);
  for (const { part, pitch, start, end } of song.notes) {
    pen.fillStyle = style.getPropertyValue(`--p${part % PARTS}`);
    pen.fillRect((start / song.end) * width, 4 + (high - pitch) * step, Math.max(1, ((end - start) / song.end) * width - 0.5), Math.max(1.5, step - 0.5));
  }
}
