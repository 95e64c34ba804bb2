// Trainings, seen while they run: the run folders with their curves. Dotted: the training songs; solid: the validation songs.

import { json } from "./api.js";
import { plot } from "./plot.js";

const EVERY = 2000; // milliseconds

export class Training {
  constructor({ panel, compose, failed }) {
    Object.assign(this, { panel, compose, failed, cards: new Map() });
    panel.innerHTML = `<p class="soft" id="none">Reading the run folders ...</p><ul id="runs"></ul>`;
  }

  show(open) {
    clearInterval(this.timer);
    if (!open) return;
    this.timer = setInterval(() => this.ask(), EVERY);
    this.ask();
  }

  async ask() {
    try {
      this.list((await json("api/runs")).runs);
    } catch (error) {
      clearInterval(this.timer);
      this.failed(error);
    }
  }

  list(runs) {
    this.panel.querySelector("#none").textContent = runs.length ? ""
      : "There is no run folder yet. Start a training in a terminal: lmn-music train jsb --out runs/mine. It shows here while it runs.";
    const names = new Set(runs.map(({ name }) => name)), list = this.panel.querySelector("#runs");
    for (const [name, card] of this.cards) if (!names.has(name)) (card.remove(), this.cards.delete(name));
    runs.forEach((run, place) => {
      if (!this.cards.has(run.name)) this.cards.set(run.name, this.card(run));
      const card = this.cards.get(run.name);
      if (list.children[place] !== card) list.insertBefore(card, list.children[place] ?? null);
      this.fill(card, run);
    });
  }

  card({ name }) {
    const card = document.createElement("li");
    card.className = "card";
    card.innerHTML = `<h2></h2><p class="soft"></p><canvas class="plot" role="img"></canvas><p></p>
      <button type="button">Compose from its last checkpoint</button>`;
    card.querySelector("button").addEventListener("click", () => this.compose(`run ${name}`));
    return card;
  }

  fill(card, run) {
    const [title, what, now] = [card.querySelector("h2"), ...card.querySelectorAll("p")], canvas = card.querySelector("canvas");
    title.textContent = run.name;
    if (run.at_work) title.append(Object.assign(document.createElement("span"), { className: "badge", textContent: "training" }));
    what.textContent = `${run.network} on ${run.corpus}, seed ${run.seed}. Nats per frame of each epoch; dotted: training songs, solid: validation songs.`;
    card.querySelector("button").disabled = !run.composes;
    const { lines, marks, last, best, ticks } = curves(run.metrics);
    now.textContent = last
      ? `Stage ${last.stage}, epoch ${last.epoch}: training ${last.train_nll.toFixed(3)}, validation ${last.valid_nll.toFixed(3)} nats per frame; best ${best.toFixed(3)}.`
      : "No epoch is finished yet.";
    const handed = marks.map(({ x, text }) => ` After epoch ${Math.floor(x)}, ${text}.`).join("");
    canvas.setAttribute("aria-label", `Training (dotted) and validation (solid), nats per frame. ${now.textContent}${handed}`);
    plot(canvas, { lines, marks, ticks, digits: 2 });
  }
}

// Epochs of all stages one after the other; a hand-over is marked between two of them.
function curves(metrics) {
  const train = [], valid = [], marks = [];
  let last = null, best = Infinity;
  for (const line of metrics) {
    if (line.stage === "hand-over") {
      marks.push({ x: valid.length + 0.5, text: `hand-over: ${line.valid_nll_before.toFixed(2)} to ${line.valid_nll_after.toFixed(2)}` });
      best = Infinity;
    } else {
      train.push([train.length + 1, line.train_nll]);
      valid.push([valid.length + 1, line.valid_nll]);
      best = Math.min(best, line.valid_nll);
      last = line;
    }
  }
  const lines = [{ points: train, tone: "edge", dash: [3, 3] }, { points: valid, tone: "p0" }];
  const count = valid.length, step = Math.max(1, Math.ceil(count / 8));
  const ticks = valid.filter((_, place) => place % step === 0).map(([x]) => ({ x, text: String(x) }));
  return { lines, marks, last, best, ticks };
}
