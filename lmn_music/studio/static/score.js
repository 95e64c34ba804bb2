// The engraved score, with a line that moves along while the piece is played.

import { bytes } from "./api.js";

const SVG = "http://www.w3.org/2000/svg";

export class Score {
  constructor({ panel, view, failed }) {
    Object.assign(this, { panel, view, failed, song: null, measures: [] });
  }

  get open() { return !this.panel.hidden; }

  // Another song, or the tab was opened.
  async show() {
    const { song } = this.view;
    if (!this.open || song === this.song) return;
    this.song = song;
    this.measures = [];
    if (!song?.notes.length) return this.say("There is no piece yet.");
    this.say("The score is engraved ...");
    try {
      const data = await bytes("api/file", { body: { piece: song.piece, suffix: ".score.svg" } });
      if (song !== this.song) return;
      this.place(new TextDecoder().decode(data));
    } catch (error) {
      this.say("There is no score of this piece.");
      this.failed(error);
    }
  }

  say(text) {
    const words = document.createElement("p");
    words.className = "soft";
    words.textContent = text;
    this.panel.replaceChildren(words);
  }

  place(text) {
    const bare = text.replace(/<style[^]*?<\/style>/g, ""); // style.css has what it says
    const drawing = document.adoptNode(new DOMParser().parseFromString(bare, "image/svg+xml").documentElement);
    const [width, height] = ["width", "height"].map((side) => parseFloat(drawing.getAttribute(side)));
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", "The score of the piece");
    this.head = document.createElementNS(SVG, "line");
    this.head.setAttribute("class", "head");
    drawing.append(this.head);
    this.drawing = drawing;
    this.panel.replaceChildren(drawing);
    const measures = [...drawing.querySelectorAll("g.measure")];
    this.measures = measures.length === this.song.bars.length ? measures : [];
    this.at(null);
  }

  // Moves the line to a time; within a bar it moves evenly.
  at(time) {
    const number = time === null ? -1 : this.view.song?.bars.findIndex(({ end }) => time < end) ?? -1;
    const measure = this.open && this.song === this.view.song ? this.measures[number] : null;
    if (!this.head) return;
    this.head.style.display = measure ? "" : "none";
    if (!measure) return;
    const { start, end } = this.song.bars[number], box = measure.getBoundingClientRect(), all = this.drawing.getBoundingClientRect();
    const scale = this.drawing.viewBox.baseVal.width / all.width;
    const x = (box.left - all.left + ((time - start) / (end - start)) * box.width) * scale;
    const place = { x1: x, x2: x, y1: (box.top - all.top) * scale, y2: (box.bottom - all.top) * scale };
    for (const [name, value] of Object.entries(place)) this.head.setAttribute(name, value);
  }
}
