// Behaviour of the web console: asks the platform's HTTP API with the user's key and shows what it answers.
//
// Whatever comes from the server or the user is put on the page as text (textContent), never as markup. The key is
// kept in sessionStorage only. Paths are relative to the page, so that it also works behind a prefix.

const STORED_KEY = "polyloop-key";
const SHOWN_SCORES = 10;
const METRIC_NAMES = { macro_f1: "macro F1", accuracy: "accuracy", chrf: "chrF", bleu: "BLEU" };
const STATE_TONES = { published: "good", failed: "bad", rejected: "bad" };
const languages = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });

const tasks = new Map(); // name -> what GET /v1/tasks says of it
let shown = null; // the answer on the page
let sent = null; // the last statement on it, with its Idempotency-Key

const byId = (id) => document.getElementById(id);

class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// ---- Requests

async function request(path, { method = "GET", body, headers = {} } = {}) {
  const key = sessionStorage.getItem(STORED_KEY);
  const sentHeaders = { Authorization: `Bearer ${key}`, ...headers };
  if (body !== undefined) sentHeaders["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, body, headers: sentHeaders, cache: "no-store", credentials: "omit" });
  } catch {
    throw new ApiError(0, "The server cannot be reached. Check that it runs, then try again.");
  }
  const content = await response.json().catch(() => null);
  if (sessionStorage.getItem(STORED_KEY) !== key) throw new ApiError(0, "The key was forgotten before the answer came.");
  return { response, content };
}

async function call(path, options) {
  const { response, content } = await request(path, options);
  if (!response.ok || content === null) throw asError(response, content);
  return content;
}

function asError(response, content) {
  const detail = content?.detail ?? `The server answered with status ${response.status} and did not say why.`;
  const wait = response.headers.get("Retry-After");
  const advice = wait ? ` Try again in ${wait} s.` : "";
  const code = content?.code ? ` (${content.code})` : "";
  return new ApiError(response.status, `${detail}${code}${advice}`);
}

async function readiness() {
  const { response, content } = await request("readyz"); // 503 is an answer here: it says who is not ready
  if (!content?.reasons) throw asError(response, content);
  return content.reasons;
}

function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Browsers have randomUUID only on https and localhost.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ---- Building blocks

function make(tag, content = "", attributes = {}) {
  const node = document.createElement(tag);
  node.append(...[content].flat());
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function table(caption, columns, rows) {
  // The roles are said because a narrow screen shows rows as blocks, which costs them their own.
  const head = columns.map((column) => make("th", column, { scope: "col", role: "columnheader" }));
  const body = rows.map((cells) =>
    make(
      "tr",
      cells.map((cell, index) =>
        index === 0
          ? make("th", cell, { scope: "row", role: "rowheader" })
          : make("td", make("div", cell), { role: "cell", "data-column": columns[index] }),
      ),
      { role: "row" },
    ),
  );
  const parts = [
    make("thead", make("tr", head, { role: "row" }), { role: "rowgroup" }),
    make("tbody", body, { role: "rowgroup" }),
  ];
  return make("table", caption ? [make("caption", caption), ...parts] : parts, { role: "table" });
}

const badge = (text, tone = "") => make("span", text, { class: `badge ${tone}` });
const aside = (text) => make("span", text, { class: "aside" });

function localeName(tag) {
  const name = languages.of(tag);
  return name && name !== tag ? `${name} (${tag})` : tag;
}

function fill(select, options, first) {
  const before = select.value;
  const all = first === undefined ? options : [["", first], ...options];
  select.replaceChildren(...all.map(([value, text]) => make("option", text, { value })));
  if (all.some(([value]) => value === before)) select.value = before;
}

async function during(button, problem, work) {
  // The button stays focusable while it works, so that the keyboard does not lose its place.
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  problem.textContent = "";
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) close(error.message);
    else problem.textContent = error.message;
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

// ---- Key

function close(message = "") {
  sessionStorage.removeItem(STORED_KEY);
  tasks.clear();
  hideAnswer();
  for (const id of ["task-table", "version-tables", "task", "locale", "target"]) byId(id).replaceChildren();
  byId("input").value = "";
  show({ open: false });
  byId("key-problem").textContent = message;
  byId("key").focus();
}

function show({ open }) {
  byId("entry").hidden = open;
  byId("session").hidden = !open;
  byId("workspace").hidden = !open;
}

async function open(key) {
  sessionStorage.setItem(STORED_KEY, key);
  await load();
  byId("key").value = "";
  show({ open: true });
}

async function enter(event) {
  event.preventDefault();
  const key = byId("key").value.trim();
  const problem = byId("key-problem");
  if (!/^[\x21-\x7e]+$/.test(key)) {
    problem.textContent = "That is not an API key: keys have no spaces and only plain letters, digits, _ and -.";
    return;
  }
  await during(event.submitter, problem, async () => {
    await open(key);
    byId("tasks-heading").focus();
  });
}

// ---- Tasks and versions

async function load() {
  const [catalogue, versions, reasons] = await Promise.all([call("v1/tasks"), call("v1/models"), readiness()]);
  tasks.clear();
  for (const task of catalogue.tasks) tasks.set(task.task, task);
  showTasks(reasons);
  showVersions(versions.models);
  fill(byId("task"), [...tasks.keys()].map((name) => [name, name]));
  offerLocales();
}

function showTasks(reasons) {
  const rows = [...tasks.values()].map((task) => [
    task.task,
    task.kind,
    (task.pairs.length ? task.pairs.map((pair) => pair.replace(">", " → ")) : task.locales).join(", "),
    task.champion ?? "none",
    reasons[task.task] === undefined
      ? badge("ready", "good")
      : [badge("not ready", "bad"), " ", aside(reasons[task.task])],
  ]);
  byId("task-table").replaceChildren(table("", ["Task", "Kind", "Locales", "Champion", "State"], rows));
}

function showVersions(models) {
  const tables = [...tasks.keys()].map((name) => {
    const rows = models.filter((model) => model.task === name).map(versionRow);
    if (rows.length) return table(name, ["Version", "State", "Overall", "By locale", "Created"], rows);
    return make("p", `${name}: no version yet. \`polyloop loop run --task ${name}\` trains the first.`);
  });
  byId("version-tables").replaceChildren(...tables);
}

function versionRow(model) {
  const { metric, overall, locales = {} } = model.metrics;
  const created = new Date(model.created_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  return [
    model.champion ? [model.version, " ", badge("champion", "good")] : model.version,
    badge(model.state, STATE_TONES[model.state]),
    overall ? [METRIC_NAMES[metric] ?? metric, " ", ...figures(overall)] : aside("not evaluated"),
    overall
      ? Object.entries(locales).map(([locale, result]) =>
          make("span", [`${locale} `, ...figures(result)], { class: "score" }),
        )
      : "–",
    make("time", created, { datetime: model.created_at }),
  ];
}

function figures({ value, low, high, num_rows: numRows }) {
  const interval = `${low.toFixed(1)} to ${high.toFixed(1)}, ${numRows.toLocaleString()} rows`;
  return [make("strong", value.toFixed(1)), " ", aside(interval)];
}

// ---- Playground

const pairsOf = (task) => task.pairs.map((pair) => pair.split(">"));
const named = (locales) => [...new Set(locales)].map((locale) => [locale, localeName(locale)]);

function offerLocales() {
  const task = tasks.get(byId("task").value);
  if (!task) return;
  const sources = task.kind === "translate" ? pairsOf(task).map(([source]) => source) : task.locales;
  fill(byId("locale"), named(sources), "Tell it from the text");
  offerTargets();
}

function offerTargets() {
  const task = tasks.get(byId("task").value);
  const locale = byId("locale").value;
  byId("target-field").hidden = task.kind !== "translate";
  byId("input").lang = locale;
  fill(byId("target"), named(pairsOf(task).filter(([source]) => !locale || source === locale).map(([, to]) => to)));
}

async function ask(event) {
  event.preventDefault();
  const task = tasks.get(byId("task").value);
  if (!task) return;
  const body = { input: byId("input").value };
  if (byId("locale").value) body.locale = byId("locale").value;
  if (task.kind === "translate") body.target_locale = byId("target").value;
  await during(byId("ask"), byId("ask-problem"), async () => {
    hideAnswer();
    showAnswer(task, await call(`v1/tasks/${task.task}`, { method: "POST", body: JSON.stringify(body) }));
  });
}

function hideAnswer() {
  shown = null;
  sent = null;
  byId("answer").hidden = true;
  byId("no-answer").hidden = false;
  for (const id of ["output", "scores", "facts", "receipt", "feedback-problem"]) byId(id).replaceChildren();
  byId("feedback-form").reset();
}

function showAnswer(task, answer) {
  shown = answer;
  byId("no-answer").hidden = true;
  byId("answer").hidden = false;
  const output = byId("output");
  output.lang = answer.target_locale ?? "";
  output.textContent = answer.output;
  showScores(answer.scores);
  showFacts(answer);
  const classifies = task.labels.length > 0;
  byId("label-field").hidden = !classifies;
  byId("text-field").hidden = classifies;
  fill(byId("correct-label"), task.labels.map((label) => [label, label]), "Choose if the answer is wrong");
  byId("correct-label").value = "";
  byId("correct-text").value = answer.output;
  byId("correct-text").lang = output.lang;
}

function showScores(scores) {
  if (!scores) return;
  const sorted = Object.entries(scores).sort(([, one], [, other]) => other - one);
  const rows = sorted.slice(0, SHOWN_SCORES).map(([label, score]) => {
    const bar = make("i");
    bar.style.width = `${score * 100}%`; // a property, not an attribute: the latter is what the page's policy forbids
    const track = make("span", bar, { class: "track", "aria-hidden": "true" });
    return make("li", [make("span", label), track, make("span", `${(score * 100).toFixed(1)} %`)]);
  });
  const parts = [make("ul", rows, { class: "scores", role: "list", "aria-label": "Scores" })];
  if (sorted.length > rows.length) parts.push(aside(`and ${sorted.length - rows.length} labels with less`));
  byId("scores").replaceChildren(...parts);
}

function showFacts(answer) {
  const locale = localeName(answer.locale);
  const facts = [
    ["Version", answer.version],
    ["Locale", answer.target_locale ? `${locale} → ${localeName(answer.target_locale)}` : locale],
    ["Latency", `${answer.latency_ms.toFixed(1)} ms`],
    ["Tokens", `${answer.usage.input_tokens} read, ${answer.usage.output_tokens} written`],
    ["Signed id", make("span", answer.id, { class: "id" })],
  ];
  byId("facts").replaceChildren(...facts.flatMap(([name, value]) => [make("dt", name), make("dd", value)]));
}

// ---- Feedback

function statement() {
  const said = { inference_id: shown.id };
  const rating = document.querySelector("input[name=rating]:checked");
  if (rating) said.rating = Number(rating.value);
  const isText = byId("label-field").hidden;
  const correction = byId(isText ? "correct-text" : "correct-label").value.trim();
  if (correction && !(isText && correction === shown.output.trim())) said.correction = correction;
  return said;
}

async function giveFeedback(event) {
  event.preventDefault();
  const said = statement();
  const receipt = byId("receipt");
  receipt.textContent = "";
  if (said.rating === undefined && said.correction === undefined) {
    byId("feedback-problem").textContent = "There is nothing to send yet: choose Good or Bad, or give a correction.";
    return;
  }
  const body = JSON.stringify(said);
  if (sent?.body !== body) sent = { body, key: newKey() }; // the same statement again, after a failure, is one statement
  const { key } = sent;
  await during(byId("send"), byId("feedback-problem"), async () => {
    const headers = { "Idempotency-Key": key };
    const { feedback_id: id } = await call("v1/feedback", { method: "POST", body, headers });
    if (shown?.id === said.inference_id) receipt.append("Stored. Receipt ", make("span", id, { class: "id" }));
  });
}

// ---- Start

byId("key-form").addEventListener("submit", enter);
byId("ask-form").addEventListener("submit", ask);
byId("feedback-form").addEventListener("submit", giveFeedback);
byId("task").addEventListener("change", offerLocales);
byId("locale").addEventListener("change", offerTargets);
byId("forget").addEventListener("click", () => close());
byId("refresh").addEventListener("click", () => during(byId("refresh"), byId("load-problem"), load));

const kept = sessionStorage.getItem(STORED_KEY);
if (kept) {
  show({ open: true });
  await during(byId("refresh"), byId("load-problem"), () => open(kept));
}
