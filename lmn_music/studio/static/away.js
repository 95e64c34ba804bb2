// What is taken away: files, and the command line that makes the same file.

import { bytes } from "./api.js";

const OFFERED = { ".mid": "MIDI", ".musicxml": "MusicXML", ".wav": "Sound", ".png": "Picture", ".score.png": "Score" };

export class Away {
  constructor({ now, failed, writes }) {
    Object.assign(this, { now, failed });
    const find = (id) => document.getElementById(id);
    [this.how, this.command, this.copy, this.base] = ["how", "command", "copy", "base"].map(find);
    const offered = Object.keys(OFFERED).filter((suffix) => writes.includes(suffix));
    find("files").replaceChildren(...offered.map((suffix) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${OFFERED[suffix]} (${suffix})`;
      button.dataset.suffix = suffix;
      button.addEventListener("click", () => this.download(this.now()?.song, "song", suffix));
      return button;
    }));
    this.copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.command.textContent);
      this.copy.textContent = "Copied";
      setTimeout(() => { this.copy.textContent = "Copy the command"; }, 1500);
    });
    this.base.addEventListener("click", () => this.download(this.now().base, "tune", ".mid"));
  }

  show() {
    const step = this.now();
    const text = step ? commandLine(step) : "";
    this.command.textContent = text;
    this.command.hidden = this.copy.hidden = !text;
    this.base.hidden = !(text && step.base);
    this.base.textContent = "Save tune.mid, the input";
    this.how.textContent = text ? (step.commands.length > 1 ? "These commands make the same file:" : "This command makes the same file:")
      : step ? "This is your own tune: no command has made it." : "The command line that makes the same file stands here.";
    for (const button of document.querySelectorAll("#files button")) button.disabled = !step?.song.notes.length;
  }

  async download(song, name, suffix) {
    if (!song) return;
    try {
      const data = await bytes("api/file", { body: { piece: song.piece, suffix } });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([data]));
      link.download = name + suffix;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    } catch (error) {
      this.failed(error);
    }
  }
}

// Each command reads what the one before it has written.
function commandLine({ commands }) {
  return commands.map((words, place) => {
    const input = place ? `song-${place}.mid` : "tune.mid";
    const out = place < commands.length - 1 ? `song-${place + 1}.mid` : "song.mid";
    return ["lmn-music", ...words.map((word) => (word === "INPUT" ? input : quoted(word))), "--out", out].join(" ");
  }).join("\n");
}

function quoted(word) { return /^[\w./:=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`; }
