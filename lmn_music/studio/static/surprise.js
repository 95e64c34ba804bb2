// What the model finds surprising in a song.

export class Surprise {
  constructor(answer, bounds) {
    Object.assign(this, answer, { bounds, per: answer.frames_per_quarter });
    this.byPitch = new Map();
    for (const [pitch, first, nats] of answer.notes) {
      if (!this.byPitch.has(pitch)) this.byPitch.set(pitch, []);
      this.byPitch.get(pitch).push({ first, nats });
    }
    this.highest = Math.max(1, ...answer.frames.map((_, frame) => this.total(frame)));
  }

  total(frame) { return this.frames[frame].reduce((sum, part) => sum + part, 0); }

  // The frame in which a model reads what begins at a time.
  frame(time) { return Math.max(0, Math.ceil(time * this.per - 0.125)); }

  of({ pitch, start }) {
    const frame = this.frame(start);
    const run = this.byPitch.get(pitch)?.find(({ first, nats }) => first <= frame && frame < first + nats.length);
    return run ? run.nats[frame - run.first] : null;
  }

  step(note) {
    const nats = this.of(note);
    return nats === null ? 0 : this.bounds.filter((bound) => nats >= bound).length;
  }

  instead(time) {
    const keys = this.expected[Math.floor(time * this.per)] ?? [];
    return keys.map(([name, chance]) => `${name} ${Math.round(chance * 100)} %`).join(", ");
  }
}

export function odds(nats) {
  const count = Math.exp(nats);
  return count < 10 ? `1 in ${count.toFixed(1)}` : count > 1e6 ? "1 in more than a million" : `1 in ${Number(count.toPrecision(2)).toLocaleString("en")}`;
}
