// What was done: each step is a song, how it came about, and what the model says of it. Undo and redo walk along it.

export class History {
  constructor(changed) {
    this.changed = changed;
    this.steps = [];
    this.at = -1;
  }

  get now() { return this.steps[this.at] ?? null; }
  get canUndo() { return this.at > 0; }
  get canRedo() { return this.at < this.steps.length - 1; }

  push(step) {
    this.steps.splice(++this.at, Infinity, step);
    this.changed();
  }

  // Puts another step in the place of this one: another candidate, another tempo.
  replace(step) {
    this.steps[this.at] = step;
    this.changed();
  }

  undo() { this.move(-1); }
  redo() { this.move(1); }

  move(by) {
    const next = this.at + by;
    if (next < 0 || next >= this.steps.length) return;
    this.at = next;
    this.changed();
  }
}
