// Requests to the platform's HTTP API, with the user's key, which is kept in sessionStorage only.
//
// Paths are relative to the page, so that it also works behind a prefix. Whatever fails is an ApiError whose message can
// be shown; its status is 0 where no answer came.

const STORED_KEY = "polyloop-key";
const LINE_END = /\r\n|\n|\r/;

export class ApiError extends Error {
  constructor(status, message, code = "") {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const storedKey = () => sessionStorage.getItem(STORED_KEY);
export const keepKey = (key) => sessionStorage.setItem(STORED_KEY, key);
export const forgetKey = () => sessionStorage.removeItem(STORED_KEY);

// What the key may do, as GET /v1/key says.
export const caller = { name: "", scopes: [] };
export const allows = (scope) => caller.scopes.includes(scope) || caller.scopes.includes("admin");

export async function identify() {
  const { name, scopes } = await call("v1/key");
  Object.assign(caller, { name, scopes });
}

// Returns the content of an answer, which is JSON.
export async function call(path, options) {
  return (await send(path, options)).content;
}

// Returns status and content of an answer; statuses in `fine` are answers too.
export async function send(path, { fine = [], ...options } = {}) {
  const { response, key } = await request(path, options);
  const content = await response.json().catch(() => null);
  checkKey(key);
  if (content === null || !(response.ok || fine.includes(response.status))) throw asError(response, content);
  return { status: response.status, content };
}

// Yields the server-sent events of an answer, as [name, data]; data is JSON.
export async function* events(path, options) {
  const { response, key } = await request(path, { ...options, headers: { Accept: "text/event-stream" } });
  if (!response.ok) throw asError(response, await response.json().catch(() => null));
  let rest = "";
  let name = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      checkKey(key);
      if (done) return;
      const lines = (rest + value).split(LINE_END);
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("event: ")) name = line.slice(7);
        if (line.startsWith("data: ")) yield [name, JSON.parse(line.slice(6))];
      }
    }
  } catch (error) {
    if (error instanceof ApiError || error.name === "AbortError") throw error;
    throw new ApiError(0, "The answer broke off. Ask again.");
  } finally {
    reader.cancel().catch(() => {}); // whoever stops reading stops the writing, too
  }
}

// Returns the error that a problem+json tells.
export function asProblem(content, status, wait = null) {
  const detail = content?.detail ?? `The server answered with status ${status} and did not say why.`;
  const advice = wait ? ` Try again in ${wait} s.` : "";
  const code = content?.code ?? "";
  return new ApiError(status, `${detail}${code && ` (${code})`}${advice}`, code);
}

const asError = (response, content) => asProblem(content, response.status, response.headers.get("Retry-After"));

async function request(path, { method = "GET", body, headers = {}, signal } = {}) {
  const key = storedKey();
  const sent = { Authorization: `Bearer ${key}`, ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  const text = typeof body === "object" ? JSON.stringify(body) : body;
  try {
    const options = { method, body: text, headers: sent, signal, cache: "no-store", credentials: "omit" };
    return { response: await fetch(path, options), key };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The server cannot be reached. Check that it runs, then try again.");
  }
}

function checkKey(key) {
  if (storedKey() !== key) throw new ApiError(0, "The key was forgotten before the answer came.");
}
