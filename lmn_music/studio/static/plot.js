// A small plot of lines on a canvas, with an axis on the left and words below.

const LEFT = 40, TOP = 8, FOOT = 22;

// `lines`: {points: [[x, y], ...], tone, dash}; `marks`: {x, text}; `ticks`: [{x, text}].
export function plot(canvas, { lines, marks = [], ticks = [], low = null, high = null, digits = 1 }) {
  const ratio = devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = canvas;
  if (!width) return;
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  const tone = (name) => style.getPropertyValue(`--${name}`).trim();
  pen.scale(ratio, ratio);
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  const all = lines.flatMap(({ points }) => points);
  if (!all.length) return;
  const [ys, xs] = [all.map(([, y]) => y), [...all.map(([x]) => x), ...marks.map(({ x }) => x)]];
  let [bottom, top] = [low ?? Math.min(...ys), high ?? Math.max(...ys)];
  if (top - bottom < 1e-6) top = bottom + 1;
  const [first, last] = [Math.min(...xs), Math.max(...xs, Math.min(...xs) + 1)];
  const x = (value) => LEFT + ((value - first) / (last - first)) * (width - LEFT - 12);
  const y = (value) => TOP + ((top - value) / (top - bottom)) * (height - TOP - FOOT);
  pen.textAlign = "right";
  for (const value of [bottom, (bottom + top) / 2, top]) {
    pen.fillStyle = tone("line");
    pen.fillRect(LEFT, y(value), width - LEFT - 12, 1);
    pen.fillStyle = tone("soft");
    pen.fillText(value.toFixed(digits), LEFT - 6, y(value));
  }
  pen.textAlign = "center";
  let free = 0; // a tick has its words where there is room beside those before it
  for (const { x: at, text } of ticks) {
    const half = pen.measureText(text).width / 2, middle = Math.min(x(at), width - half - 2);
    if (middle - half < free) continue;
    pen.fillText(text, middle, height - FOOT / 2);
    free = middle + half + 6;
  }
  for (const { points, tone: name, dash = [] } of lines) {
    pen.strokeStyle = tone(name);
    pen.lineWidth = 2;
    pen.setLineDash(dash);
    pen.beginPath();
    for (const [a, b] of points) pen.lineTo(x(a), y(b));
    pen.stroke();
    pen.fillStyle = tone(name);
    const end = points.at(-1);
    if (end) {
      pen.beginPath();
      pen.arc(x(end[0]), y(end[1]), 3, 0, 7);
      pen.fill();
    }
  }
  pen.setLineDash([4, 3]);
  pen.lineWidth = 1;
  marks.forEach(({ x: at, text }, row) => {
    const foot = TOP + 16 * row, size = pen.measureText(text).width + 8, left = x(at) + size > width ? x(at) - size : x(at);
    pen.strokeStyle = tone("p1");
    pen.beginPath();
    pen.moveTo(x(at), TOP);
    pen.lineTo(x(at), height - FOOT);
    pen.stroke();
    pen.clearRect(left + 2, foot + 1, size - 4, 15); // its words stand before the lines
    pen.fillStyle = tone("p1");
    pen.textAlign = "left";
    pen.fillText(text, left + 4, foot + 9);
  });
  pen.setLineDash([]);
}
