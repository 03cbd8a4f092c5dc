// The live state: versions of each task, who holds them, and the requests of late of the router that answers the page.

import { call } from "./api.js";
import { aside, badge, byId, make, report, table } from "./dom.js";
import { clock, duration, milliseconds, percent } from "./format.js";

const EVERY_MS = 5000;
const COLUMNS = ["Version", "Role", "Held by", "Requests", "Failed", "p50", "p99"];

export let status = { window_s: 0, tasks: [] };
let timer = null;

export function startLive() {
  byId("follow").addEventListener("change", follow);
}

export function clearLive() {
  clearInterval(timer);
  status = { window_s: 0, tasks: [] };
  byId("live-tables").replaceChildren();
  byId("live-note").replaceChildren();
}

// Follows the state as long as the box is ticked and somebody can see the page.
export function follow() {
  clearInterval(timer);
  if (!byId("follow").checked) return;
  timer = setInterval(async () => {
    if (document.hidden) return;
    byId("live-problem").textContent = "";
    await refreshLive().catch((error) => report(error, byId("live-problem")));
  }, EVERY_MS);
}

export async function refreshLive() {
  status = await call("v1/status");
  byId("live-note").textContent =
    `As of ${clock(new Date())}. Requests of the last ${duration(status.window_s)}, as the router that answered ` +
    "this page saw them; others see their own.";
  byId("live-tables").replaceChildren(...status.tasks.map(taskTable));
  document.dispatchEvent(new CustomEvent("status", { detail: status }));
}

function taskTable(task) {
  const rows = task.versions.map((version) => [
    version.version,
    roleOf(task, version),
    heldBy(version.replicas, task.replicas),
    version.requests.toLocaleString(),
    failed(version),
    milliseconds(version.p50_ms),
    milliseconds(version.p99_ms),
  ]);
  const { unassigned } = task;
  if (unassigned.requests) {
    rows.push(["none", aside("ended before one was asked"), "–", unassigned.requests.toLocaleString(), failed(unassigned), "–", "–"]);
  }
  if (!rows.length) return make("p", `${task.task}: nothing is served yet.`);
  return table(task.task, COLUMNS, rows);
}

function roleOf(task, { role }) {
  if (role === null) return aside("ended");
  if (role === "champion") return badge(role, "good");
  if (role !== "canary") return badge(role);
  const weight = ` ${percent(task.canary_weight)}`;
  return task.canary_paused ? [badge(role), weight, " ", badge("paused", "warn")] : [badge(role), weight];
}

export function heldBy(holders, replicas) {
  const text = `${holders} of ${replicas} ${replicas === 1 ? "replica" : "replicas"}`;
  return holders < replicas || replicas === 0 ? [badge("!", "warn"), " ", text] : text;
}

function failed({ failures, failure_codes: codes }) {
  if (!failures) return "0";
  const told = Object.entries(codes).map(([code, count]) => `${code} ${count.toLocaleString()}`);
  return [badge(failures.toLocaleString(), "bad"), " ", aside(told.join(", "))];
}
