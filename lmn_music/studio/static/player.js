// A piano in the browser: sampled keys from the server, played at other speeds for the keys between them.

import { bytes } from "./api.js";

const AHEAD = 0.25; // seconds for which notes are handed to the audio clock in advance
const TICK = 60; // milliseconds
const RELEASE = 0.22; // seconds in which a key fades when it is let go

export class Player {
  constructor({ sampled, moved, ended, failed }) {
    Object.assign(this, { sampled, moved, ended, failed });
    this.samples = new Map();
    this.voices = new Set();
    this.playing = false;
    this.at = 0; // quarter notes, while nothing plays
    this.loop = null; // {start, end}
    this.source = null; // a function that returns {notes, end, growing, second(), time()}
  }

  get context() {
    if (!this.audio) {
      this.audio = new AudioContext();
      this.out = this.audio.createGain();
      this.out.gain.value = 0.35;
      const soft = this.audio.createDynamicsCompressor();
      this.ear = this.audio.createAnalyser();
      this.out.connect(soft).connect(this.ear).connect(this.audio.destination);
    }
    return this.audio;
  }

  nearest(pitch) { return this.sampled.reduce((best, key) => (Math.abs(key - pitch) < Math.abs(best - pitch) ? key : best)); }

  async load(pitches) {
    const keys = new Set(pitches.map((pitch) => this.nearest(pitch)));
    await Promise.all([...keys].map(async (key) => {
      if (this.samples.has(key)) return;
      const sound = this.context.decodeAudioData(await bytes(`api/piano/${key}`));
      this.samples.set(key, await sound);
    }));
  }

  get position() {
    if (!this.playing) return this.at;
    const now = this.context.currentTime;
    const { second, since } = this.before && now < this.clock.since ? this.before : this.clock;
    return this.source().time(Math.max(0, second + now - since));
  }

  async play(from = this.at) {
    const { notes } = this.source();
    await this.context.resume();
    await this.load(this.source().growing ? this.sampled.filter((key) => key > 35 && key < 97) : notes.filter(({ drums }) => !drums).map(({ pitch }) => pitch));
    const { end, growing } = this.source();
    if (this.loop && !(from >= this.loop.start && from < this.loop.end)) from = this.loop.start;
    if (!growing && from >= end - 1e-6) from = 0;
    this.silence();
    this.playing = true;
    this.from(from);
    this.timer = setInterval(() => this.tick(), TICK);
    this.tick();
  }

  // Sets the clock: `time` sounds at `since`, in seconds of the audio clock.
  from(time, since = this.context.currentTime + 0.06, before = null) {
    this.before = before;
    this.clock = { second: this.source().second(time), since };
    this.handed = time - 1e-9;
  }

  pause() {
    this.at = this.position;
    this.playing = false;
    clearInterval(this.timer);
    this.silence();
    this.ended();
  }

  seek(time) {
    this.at = time;
    if (this.playing) {
      this.silence();
      this.from(time);
    }
    this.moved(time);
  }

  silence() {
    for (const voice of this.voices) this.release(voice, this.context.currentTime);
    this.voices.clear();
  }

  tick() {
    const source = this.source(), now = this.position, loop = this.loop;
    const end = loop ? Math.min(loop.end, source.end) : source.end;
    if (!loop && now >= end - 1e-6) {
      if (source.growing) return this.from(Math.max(0, end - 1e-3)); // waits for more
      this.pause();
      return this.seek(0);
    }
    for (let turns = 0; turns < 4; turns++) {
      const horizon = this.context.currentTime + AHEAD - this.clock.since;
      const until = Math.min(end, source.time(this.clock.second + horizon));
      for (const note of source.notes)
        if (!note.drums && note.start > this.handed && note.start < until) this.strike(note, end, source);
      this.handed = Math.max(this.handed, until - 1e-9);
      if (!loop || until < end) break;
      this.from(loop.start, this.when(end, source), this.clock); // the next turn follows without a gap
    }
    this.moved(now);
  }

  when(time, source) { return this.clock.since + source.second(time) - this.clock.second; }

  strike(note, end, source) {
    const key = this.nearest(note.pitch), sound = this.samples.get(key);
    if (!sound) return void this.load([note.pitch]).catch(this.failed); // a new key in growing music: it sounds the next time
    const node = this.context.createBufferSource(), gain = this.context.createGain();
    node.buffer = sound;
    node.playbackRate.value = 2 ** ((note.pitch - key) / 12);
    gain.gain.value = (note.velocity / 127) ** 1.2;
    node.connect(gain).connect(this.out);
    const start = Math.max(this.context.currentTime, this.when(note.start, source));
    node.start(start);
    const voice = { node, gain };
    this.voices.add(voice);
    node.onended = () => this.voices.delete(voice);
    this.release(voice, Math.max(start + 0.05, this.when(Math.min(note.end, end), source)));
  }

  release({ node, gain }, time) {
    gain.gain.setTargetAtTime(0, time, RELEASE / 3);
    node.stop(time + RELEASE * 2);
  }

  // The loudest sample of the last moment, from 0 to 1.
  get level() {
    const heard = new Float32Array(this.ear?.fftSize ?? 0);
    this.ear?.getFloatTimeDomainData(heard);
    return heard.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  }
}
