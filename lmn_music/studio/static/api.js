// Requests to the studio's own server. The token comes in the address that the server printed.

const given = new URLSearchParams(location.search).get("token");
if (given) {
  sessionStorage.setItem("token", given);
  history.replaceState(null, "", location.pathname);
}
const client = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16)).join("");

export class StudioError extends Error {}

async function ask(path, { body, signal } = {}) {
  const headers = { "X-Studio-Token": sessionStorage.getItem("token") ?? "", "X-Studio-Client": client };
  let answer;
  try {
    const raw = body instanceof Blob;
    if (body && !raw) headers["Content-Type"] = "application/json";
    answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && (raw ? body : JSON.stringify(body)), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new StudioError("The studio does not answer. If its terminal was closed, start it again: lmn-music studio");
  }
  if (answer.ok) return answer;
  const found = await answer.json().catch(() => ({}));
  throw new StudioError(sentence(found.error ?? "the studio could not answer"));
}

export const json = async (path, options) => (await ask(path, options)).json();
export const bytes = async (path, options) => (await ask(path, options)).arrayBuffer();

// Calls `each` with every line of an answer that grows.
export async function lines(path, options, each) {
  const reader = (await ask(path, options)).body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const parts = (rest + (value ?? "")).split("\n");
    rest = parts.pop();
    for (const text of parts) {
      if (!text) continue;
      const event = JSON.parse(text);
      if (event.error) throw new StudioError(sentence(event.error));
      each(event);
    }
    if (done) return;
  }
}

// "`bars` is ..." becomes "Bars is ...".
export function sentence(text) {
  const plain = text.replace(/`([a-z_]+)`/g, (_, name) => name.replaceAll("_", " "));
  return plain.charAt(0).toUpperCase() + plain.slice(1) + (/[.!?]$/.test(plain) ? "" : ".");
}
