// The web console: opens with a key, and brings its sections together. Each section is a module of its own.

import { call, forgetKey, identify, keepKey, send, storedKey, caller } from "./api.js";
import { clearCatalogue, showCatalogue } from "./catalogue.js";
import { byId, during } from "./dom.js";
import { clearLive, follow, refreshLive, startLive, status } from "./live.js";
import { clearPlayground, offerTasks, offerVersions, startPlayground } from "./playground.js";
import { clearReleases, openReleases, startReleases } from "./releases.js";

const SEEN_AFTER_MS = 1000; // routers see a change of a release within a second

async function load() {
  await identify();
  byId("caller").textContent = `${caller.name}: ${caller.scopes.join(", ")}`;
  await loadCatalogue();
  await Promise.all([refreshLive(), openReleases()]);
}

async function loadCatalogue() {
  const ready = send("readyz", { fine: [503] }); // 503 is an answer here: it says who is not ready
  const [catalogue, models, { content }] = await Promise.all([call("v1/tasks"), call("v1/models"), ready]);
  showCatalogue(catalogue.tasks, models.models, content.reasons ?? {});
  offerTasks();
}

async function open(key) {
  keepKey(key);
  await load();
  byId("key").value = "";
  show({ open: true });
  follow();
}

function close(message = "") {
  forgetKey();
  clearCatalogue();
  clearPlayground();
  clearLive();
  clearReleases();
  byId("caller").textContent = "";
  show({ open: false });
  byId("key-problem").textContent = message;
  byId("key").focus();
}

function show({ open }) {
  byId("entry").hidden = open;
  byId("signed-in").hidden = !open;
  byId("workspace").hidden = !open;
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

startPlayground();
startLive();
startReleases();
byId("key-form").addEventListener("submit", enter);
byId("forget").addEventListener("click", () => close());
byId("refresh").addEventListener("click", () => during(byId("refresh"), byId("load-problem"), load));
document.addEventListener("refused", (event) => close(event.detail));
document.addEventListener("status", () => offerVersions(status));
document.addEventListener("taskchange", () => offerVersions(status));
document.addEventListener("released", () => {
  const reload = () => Promise.all([loadCatalogue(), refreshLive()]);
  setTimeout(() => storedKey() && during(byId("refresh"), byId("load-problem"), reload), SEEN_AFTER_MS);
});

const kept = storedKey();
if (kept) {
  show({ open: true });
  await during(byId("refresh"), byId("load-problem"), () => open(kept));
}
