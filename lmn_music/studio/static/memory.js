// What the memory still holds at a frame: drawn into the roll, and as a curve over the distance in time.

import { json } from "./api.js";
import { plot } from "./plot.js";

export class Memory {
  constructor({ panel, view, roll, model, failed }) {
    Object.assign(this, { panel, view, roll, model, failed });
    panel.innerHTML = `
      <p class="soft">A linear memory passes from frame to frame. This draws what can still be read out of it, linearly, at one frame of the piece:
      the darker a key, the more surely it is known to have sounded then. The readout was fitted to songs that the model composed.</p>
      <div class="bar"><div class="field inline grow"><label for="frame">Frame</label><input id="frame" type="range" min="0" max="0" value="0"></div></div>
      <p id="held" aria-live="polite"></p>
      <canvas class="plot" id="lags" role="img" aria-label="How much of each earlier frame the memory holds"></canvas>`;
    this.slider = panel.querySelector("#frame");
    this.words = panel.querySelector("#held");
    this.canvas = panel.querySelector("#lags");
    this.slider.addEventListener("input", () => this.soon());
  }

  get open() { return !this.panel.hidden; }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), 60);
  }

  // Another song, or the tab was opened or left.
  show() {
    const { song } = this.view;
    if (!this.open || !song?.notes.length) {
      this.view.remembered = null;
      this.words.textContent = song?.notes.length ? "" : "There is no piece yet.";
      return this.roll.draw();
    }
    this.per = 0;
    this.canvas.width = 0; // empties it
    this.soon();
  }

  at(time) {
    if (!this.open || !this.per) return;
    this.slider.value = Math.floor(time * this.per);
    this.soon();
  }

  async ask() {
    const { song } = this.view;
    if (!song?.notes.length || this.asking) return;
    this.asking = true;
    const frame = this.per ? Number(this.slider.value) : 0;
    if (!this.per) this.words.textContent = "The readout is fitted: a few seconds ...";
    try {
      const answer = await json("api/memory", { body: { piece: song.piece, model: this.model(), frame } });
      this.asking = false;
      if (song !== this.view.song || !this.open) return;
      const first = !this.per;
      this.per = answer.frames_per_quarter;
      this.slider.max = answer.frames - 1;
      if (first) {
        this.slider.value = Math.min(answer.frames - 1, Math.max(8 * this.per, 0));
        return this.soon();
      }
      if (frame !== Number(this.slider.value)) this.soon();
      this.view.remembered = { per: this.per, at: answer.at, lags: answer.lags, lowest: answer.lowest };
      this.draw(answer);
    } catch (error) {
      this.asking = false;
      this.words.textContent = "";
      this.failed(error);
    }
    this.roll.draw();
  }

  draw({ shares, at }) {
    const { per, view } = this;
    const far = [0, 1, 2, 4, 8].filter((quarters) => quarters * per < shares.length);
    const said = far.map((quarters) => `${quarters ? `${quarters} quarter note${quarters === 1 ? "" : "s"} back` : "in the frame itself"} ${Math.round(shares[quarters * per] * 100)} %`);
    this.words.textContent = `At ${view.song.place(at / per)}. Of what sounded it holds, over the whole piece: ${said.join(", ")}.`;
    const ticks = far.map((quarters) => ({ x: quarters, text: quarters ? `${quarters} back` : "now" }));
    plot(this.canvas, { lines: [{ points: shares.map((share, lag) => [lag / per, share]), tone: "p3" }], ticks, low: 0, high: 1 });
    this.roll.follow((at + 1) / per);
  }
}
