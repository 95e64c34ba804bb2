// A piece as the page shows it. Times are quarter notes: as numbers to draw and to play, as the server's exact texts to send.

const FINEST = 48; // parts of a quarter note in which the page sets notes itself
const NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
export const USUAL_TEMPO = 120;

export const keyName = (pitch) => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);
export const isBlack = (pitch) => NAMES[pitch % 12].length > 1;

function number(text) {
  const [above, below = 1] = text.split("/");
  return above / below;
}

function exact(value) {
  const parts = Math.round(value * FINEST);
  return parts % FINEST ? `${parts}/${FINEST}` : String(parts / FINEST);
}

export class Song {
  // `answer` is what the server says of a piece.
  constructor(answer) {
    this.piece = answer.piece;
    this.seed = answer.seed;
    this.summary = answer.summary ?? "";
    this.passedOver = answer.passed_over ?? "";
    this.fresh = answer.new ? answer.new.map(number) : null;
    this.bars = answer.bars.map(([count, start, end]) => ({ number: count, start: number(start), end: number(end) }));
    this.notes = this.piece.parts.flatMap(({ notes, drums }, part) =>
      notes.map(([pitch, start, end, velocity], row) => ({ pitch, start: number(start), end: number(end), velocity, part, row, drums })));
    this.notes.sort((a, b) => a.start - b.start || a.pitch - b.pitch);
    this.length = number(this.piece.length);
    while (this.end < this.length) {
      const last = this.bars.at(-1) ?? { number: 0, end: 0, start: -4 };
      this.bars.push({ number: last.number + 1, start: last.end, end: last.end + (last.number ? last.end - last.start : 4) });
    }
    this.tempos = this.piece.tempos.map(([time, tempo]) => ({ time: number(time), tempo }));
    if (!this.tempos.length || this.tempos[0].time > 0) this.tempos.unshift({ time: 0, tempo: USUAL_TEMPO });
  }

  static empty() {
    const parts = [{ name: "Melody", program: 0, channel: null, drums: false, notes: [] }];
    return new Song({ piece: { parts, length: "16", tempos: [["0", 90]], metres: [["0", 4, 4]], key_signatures: [], pickup: "0", title: "A new tune" }, bars: [] });
  }

  get end() { return this.bars.at(-1)?.end ?? 0; }
  get tempo() { return this.tempos[0].tempo; }
  get pitches() {
    const all = this.notes.map((note) => note.pitch);
    return all.length ? [Math.min(...all), Math.max(...all)] : [60, 72];
  }

  bar(time) { return this.bars.find(({ end }) => time < end) ?? this.bars.at(-1); }

  place(time) {
    const bar = this.bar(time);
    return bar ? `bar ${bar.number}, beat ${Number((1 + time - bar.start).toFixed(2))}` : "";
  }

  // Seconds from the start of the piece, and back.
  second(time) {
    let seconds = 0;
    this.tempos.forEach(({ time: from, tempo }, place) => {
      const until = this.tempos[place + 1]?.time ?? Infinity;
      if (time > from) seconds += ((Math.min(time, until) - from) * 60) / tempo;
    });
    return seconds;
  }

  time(second) {
    for (let place = this.tempos.length - 1; ; place--) {
      const { time, tempo } = this.tempos[place];
      const from = this.second(time);
      if (second >= from || !place) return time + ((second - from) * tempo) / 60;
    }
  }

  // Each change returns another song.
  changed(change) {
    const piece = structuredClone(this.piece);
    change(piece);
    const bars = this.bars.map(({ number: count, start, end }) => [count, String(start), String(end)]);
    return new Song({ piece, bars, passed_over: this.passedOver });
  }

  withNote(part, pitch, start, end) {
    return this.changed((piece) => {
      piece.parts[part].notes.push([pitch, exact(start), exact(end), 80]);
      if (end > this.length) piece.length = exact(end);
    });
  }

  withoutNote({ part, row }) {
    return this.changed((piece) => piece.parts[part].notes.splice(row, 1));
  }

  withTempo(tempo) {
    const factor = tempo / this.tempo;
    const song = this.changed((piece) => {
      piece.tempos = this.tempos.map(({ time, tempo: old }) => [exact(time), old === this.tempo ? tempo : old * factor]);
    });
    return Object.assign(song, { fresh: this.fresh, seed: this.seed, summary: this.summary });
  }
}

// Music that is being composed: frames as they come, over the notes that there are already.
export class Growing {
  constructor(before) {
    this.before = before;
    this.frames = new Map();
  }

  add([start, end, pitches]) { this.frames.set(start, { end, pitches }); }

  get notes() {
    const found = [], open = new Map();
    let last = 0;
    for (const [start, { end, pitches }] of [...this.frames].sort((a, b) => a[0] - b[0])) {
      for (const pitch of pitches) {
        const note = open.get(pitch);
        if (note && note.end === start && last === start) note.end = end;
        else {
          const fresh = { pitch, start, end, velocity: 80, part: -1 };
          open.set(pitch, fresh);
          found.push(fresh);
        }
      }
      last = end;
    }
    return found;
  }

  get end() { return Math.max(0, ...[...this.frames.values()].map(({ end }) => end)); }
}
