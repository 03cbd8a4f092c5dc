// Asking a task by hand: its fields, the version where the key may choose one, answers as they are written, side by side
// where two versions are asked, and the same request as text to copy.

import { allows, asProblem, call, events } from "./api.js";
import { AnswerPanel } from "./answer.js";
import { tasks } from "./catalogue.js";
import { byId, during, fill } from "./dom.js";
import { Fields } from "./fields.js";
import { asCurl, asPython } from "./snippets.js";

const panels = [new AnswerPanel(""), new AnswerPanel("-2")];
let fields = null;
let asking = null; // what stops the answers that are being written

export function startPlayground() {
  byId("answers").append(...panels.map((panel) => panel.node));
  byId("ask-form").addEventListener("submit", ask);
  byId("task").addEventListener("change", chooseTask);
  byId("compare").addEventListener("change", layOut);
  byId("stop").addEventListener("click", () => asking?.abort());
  byId("copy-curl").addEventListener("click", (event) => copy(curl, event.currentTarget));
  byId("copy-python").addEventListener("click", (event) => copy(python, event.currentTarget));
  for (const panel of panels) {
    panel.goOn.addEventListener("click", () => fields.turns.goOn(panel.feedback.answer.output));
  }
}

// Offers the tasks of the catalogue; what is filled in stays where the task does.
export function offerTasks() {
  const before = byId("task").value;
  fill(byId("task"), [...tasks.keys()].map((name) => [name, name]));
  if (byId("task").value !== before || fields === null) chooseTask();
}

// Offers the versions that replicas hold, to keys that may ask for one.
export function offerVersions(status) {
  const here = status.tasks.find(({ task }) => task === byId("task").value);
  const held = (here?.versions ?? []).filter(({ role }) => role !== null && role !== "preload");
  const options = held.map(({ version, role }) => [version, `${version} (${role})`]);
  fill(byId("version"), options, "The release decides");
  fill(byId("compare"), options, "No other");
  byId("version-fields").hidden = !allows("admin") || !here;
  layOut();
}

export function clearPlayground() {
  asking?.abort();
  hideAnswers();
  fields = null;
  for (const id of ["task", "fields", "version", "compare", "snippet", "copied", "ask-problem"]) byId(id).replaceChildren();
  byId("snippet").hidden = true;
}

function chooseTask() {
  const task = tasks.get(byId("task").value);
  if (!task) return;
  fields = new Fields(task);
  byId("fields").replaceChildren(...fields.nodes);
  byId("version").value = "";
  byId("compare").value = "";
  hideAnswers();
  document.dispatchEvent(new CustomEvent("taskchange"));
}

const compares = () => !byId("version-fields").hidden && byId("compare").value !== "";
const chosen = () => (byId("version-fields").hidden ? "" : byId("version").value);
const streams = (task) => task.labels.length === 0;

function layOut() {
  byId("playground").classList.toggle("comparing", compares());
}

function hideAnswers() {
  for (const panel of panels) panel.hide();
  byId("no-answer").hidden = false;
}

const pathOf = (task, version) =>
  `v1/tasks/${encodeURIComponent(task.task)}${version ? `?version=${encodeURIComponent(version)}` : ""}`;

async function ask(event) {
  event.preventDefault();
  const task = tasks.get(byId("task").value);
  if (!task) return;
  await during(byId("ask"), byId("ask-problem"), async () => {
    const body = fields.read();
    const versions = compares() ? [chosen(), byId("compare").value] : [chosen()];
    hideAnswers();
    byId("no-answer").hidden = true;
    asking = new AbortController();
    byId("stop").hidden = !streams(task);
    const { signal } = asking;
    const asked = versions.map((version, index) => askOne(panels[index], task, version, { method: "POST", body, signal }));
    const ended = await Promise.allSettled(asked);
    asking = null;
    if (byId("stop") === document.activeElement) byId("ask").focus();
    byId("stop").hidden = true;
    byId("no-answer").hidden = panels.some((panel) => !panel.node.hidden);
    const failed = ended.find(({ status }) => status === "rejected");
    if (failed) throw failed.reason;
  });
}

async function askOne(panel, task, version, options) {
  panel.begin(version ? `Answer of ${version}` : "Answer");
  try {
    if (!streams(task)) {
      panel.show(task, await call(pathOf(task, version), options));
      return;
    }
    for await (const [name, data] of events(pathOf(task, version), options)) {
      if (name === "piece") panel.add(data.text);
      if (name === "answer") panel.show(task, data);
      if (name === "problem") throw asProblem(data, data.status);
    }
  } catch (error) {
    if (error.name === "AbortError") {
      panel.stop("stopped");
      return;
    }
    if (panel.output.textContent) panel.stop("broken off");
    else panel.hide();
    throw error;
  }
}

// ---- The same request as text

const curl = (task, body) => asCurl(new URL(pathOf(task, chosen()), document.baseURI).href, body, streams(task));
const python = (task, body) =>
  asPython(new URL(".", document.baseURI).href, task.task, body, chosen(), streams(task));

async function copy(written, button) {
  const task = tasks.get(byId("task").value);
  if (!task) return;
  const [snippet, copied] = [byId("snippet"), byId("copied")];
  copied.textContent = "";
  await during(button, byId("ask-problem"), async () => {
    snippet.textContent = written(task, fields.read());
    snippet.hidden = false;
    try {
      await navigator.clipboard.writeText(snippet.textContent);
      copied.textContent = "Copied. It reads your key from $KEY.";
    } catch {
      // Browsers have the clipboard only on https and localhost, and may be told not to give it.
      getSelection().selectAllChildren(snippet);
      copied.textContent = "Selected: copy it with the keyboard. It reads your key from $KEY.";
    }
  });
}
