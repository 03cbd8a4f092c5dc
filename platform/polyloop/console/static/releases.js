// Release control, for keys with the scope admin: what a task serves, changes of it after a confirmation, and its history.

import { allows, call, send } from "./api.js";
import { tasks, versions } from "./catalogue.js";
import { aside, badge, byId, during, fill, make, report, table } from "./dom.js";
import { moment, percent } from "./format.js";
import { heldBy } from "./live.js";
import { ACTIONS, consequence, said } from "./changes.js";

const ROLE_NAMES = { end_canary: "end canary", end_shadow: "end shadow" };

let release = null; // the release on the page, whose generation a change was decided on

export function startReleases() {
  byId("release-task").addEventListener("change", () => reload());
  byId("release-action").addEventListener("change", offerFields);
  byId("release-form").addEventListener("submit", askBack);
  byId("confirm-form").addEventListener("submit", (event) => {
    if (event.submitter.value === "yes") change();
  });
}

// Shows the section to those who may use it.
export async function openReleases() {
  for (const id of ["releases", "releases-link"]) byId(id).hidden = !allows("admin");
  if (!allows("admin")) return;
  fill(byId("release-task"), [...tasks.keys()].map((name) => [name, name]));
  await refreshRelease();
}

export function clearReleases() {
  release = null;
  byId("confirm").close();
  byId("releases").hidden = true;
  byId("releases-link").hidden = true;
  for (const id of ["release-task", "release-now", "release-history", "release-receipt", "release-problem"]) {
    byId(id).replaceChildren();
  }
  byId("release-form").reset();
}

async function reload() {
  byId("release-problem").textContent = "";
  byId("release-receipt").textContent = "";
  await refreshRelease().catch((error) => report(error, byId("release-problem")));
}

async function refreshRelease() {
  const task = byId("release-task").value;
  if (!task) return;
  const told = await call(`v1/releases/${encodeURIComponent(task)}`);
  if (byId("release-task").value === task) show(told); // another one may have been chosen meanwhile
}

function show(told) {
  release = told;
  const now = release.versions.map(({ version, role, replicas }) => [
    version,
    role === "canary" ? [badge(role), ` ${percent(release.canary_weight)}`] : badge(role, role === "champion" ? "good" : ""),
    heldBy(replicas, release.replicas),
  ]);
  byId("release-now").replaceChildren(
    now.length ? table("Now", ["Version", "Role", "Held by"], now) : make("p", "No version has been promoted yet."),
  );
  const rows = release.history.map((event) => [
    make("time", moment(event.created_at), { datetime: event.created_at }),
    [ROLE_NAMES[event.action] ?? event.action, event.weight === null ? "" : ` ${percent(event.weight)}`],
    `${event.from_version ?? "none"} → ${event.to_version ?? "none"}`,
    event.actor,
    event.reason,
  ]);
  byId("release-history").replaceChildren(
    rows.length ? table("History", ["When", "Change", "Versions", "Who", "Why"], rows) : aside("There is no change yet."),
  );
  const possible = Object.entries(ACTIONS).filter(([, { isPossible }]) => isPossible(release));
  fill(byId("release-action"), possible.map(([name, { text }]) => [name, text]));
  offerFields();
}

function offerFields() {
  const action = ACTIONS[byId("release-action").value];
  const published = versions.filter(({ task, state }) => task === release.task && state === "published");
  const names = published.map(({ version }) => version).filter((version) => action.takes(release, version));
  byId("release-version-field").hidden = !action.needsVersion;
  byId("release-weight-field").hidden = !action.needsWeight;
  byId("release-weight").required = action.needsWeight;
  byId("release-version").required = action.needsVersion;
  const none = names.length ? undefined : "No other version is published";
  fill(byId("release-version"), names.map((version) => [version, version]), none);
}

function wanted() {
  const action = ACTIONS[byId("release-action").value];
  const body = {
    ...action.body(release, byId("release-version").value),
    reason: byId("release-reason").value.trim(),
    expected_generation: release.generation,
  };
  if (action.needsWeight) body.weight = Number(byId("release-weight").value) / 100;
  return body;
}

function askBack(event) {
  event.preventDefault();
  byId("release-receipt").textContent = "";
  byId("release-problem").textContent = "";
  const body = wanted();
  if (!body.reason) {
    byId("release-problem").textContent = "Say why: the reason stands in the history.";
    return;
  }
  byId("confirm-text").textContent = consequence(release, body);
  byId("confirm").showModal();
}

async function change() {
  const [receipt, problem] = [byId("release-receipt"), byId("release-problem")];
  const [task, body] = [release.task, wanted()];
  await during(byId("release-change"), problem, async () => {
    receipt.textContent = "Waiting until every replica holds the version …";
    try {
      const after = await settled(`v1/releases/${encodeURIComponent(task)}`, body, receipt);
      if (release?.task === task) show(after);
      byId("release-reason").value = "";
      receipt.textContent = said(after, body);
    } catch (error) {
      receipt.textContent = "";
      await refreshRelease().catch(() => {}); // so that the next try is decided on what is true
      throw error;
    }
    document.dispatchEvent(new CustomEvent("released"));
  });
}

// Sends a change again for as long as replicas still load the version; that is safe, and waits for the same change.
async function settled(path, body, receipt) {
  for (;;) {
    const { status, content } = await send(path, { method: "POST", body });
    if (status !== 202) return content;
    const loading = content.versions.find(({ version }) => version === body.version);
    receipt.textContent = `Replicas are loading ${body.version}: ${loading?.replicas ?? 0} of ${content.replicas} hold it.`;
    await new Promise((wake) => setTimeout(wake, 1000));
  }
}
