// The changes of a release that can be made, in words: when each is possible, what it sends, and what comes of it. Pure.

import { percent } from "./format.js";

const always = () => true;
const notChampion = (release, version) => version !== release.champion;

export const ACTIONS = {
  promote: {
    text: "Promote: a version for all users",
    isPossible: always,
    needsVersion: true,
    needsWeight: false,
    takes: notChampion,
    body: (_release, version) => ({ action: "promote", version }),
  },
  canary: {
    text: "Canary: a version for a part of the users",
    isPossible: (release) => release.champion !== null,
    needsVersion: true,
    needsWeight: true,
    takes: notChampion,
    body: (_release, version) => ({ action: "canary", version }),
  },
  "canary-off": {
    text: "End the canary",
    isPossible: (release) => release.canary !== null,
    needsVersion: false,
    needsWeight: false,
    takes: always,
    body: (release) => ({ action: "canary", version: release.canary, off: true }),
  },
  shadow: {
    text: "Shadow: a version that answers unseen",
    isPossible: (release) => release.champion !== null,
    needsVersion: true,
    needsWeight: false,
    takes: (release, version) => notChampion(release, version) && version !== release.canary,
    body: (_release, version) => ({ action: "shadow", version }),
  },
  "shadow-off": {
    text: "End the shadow",
    isPossible: (release) => release.shadow !== null,
    needsVersion: false,
    needsWeight: false,
    takes: always,
    body: (release) => ({ action: "shadow", version: release.shadow, off: true }),
  },
  rollback: {
    text: "Roll back to the previous champion",
    isPossible: (release) => release.previous !== null,
    needsVersion: false,
    needsWeight: false,
    takes: always,
    body: () => ({ action: "rollback" }),
  },
};

// Returns what a change would do to a release, to be confirmed.
export function consequence(release, { action, version, weight, off = false }) {
  const { task, champion, previous, canary, shadow } = release;
  const ends = (...roles) => roles.map((role) => ` The ${role} ${release[role]} ends.`).join("");
  if (action === "rollback") {
    const running = [canary && "canary", shadow && "shadow"].filter(Boolean);
    return `${previous} answers all users of ${task} again, in place of ${champion}.${ends(...running)}`;
  }
  if (off) return `The ${action} ${version} of ${task} ends.`;
  if (action === "promote") {
    const ending = [canary && "canary", shadow === version && "shadow"].filter(Boolean);
    return `${version} answers all users of ${task}${champion ? `, in place of ${champion}` : ""}.${ends(...ending)}`;
  }
  if (action === "canary") {
    const replaced = canary && canary !== version ? ends("canary") : "";
    return `${version} answers ${percent(weight)} of the users of ${task}, ${champion} the others.${replaced}${shadow === version ? ends("shadow") : ""}`;
  }
  return `${version} answers unseen what users ask ${task}.${shadow && shadow !== version ? ends("shadow") : ""}`;
}

// Returns what has come of a change.
export function said(release, { action, version, weight, off = false }) {
  if (off) return `Done: the ${action} ${version} has ended.`;
  if (action === "canary") return `Done: ${version} answers ${percent(weight)} of the users.`;
  if (action === "shadow") return `Done: ${version} answers unseen.`;
  return `Done: ${release.champion} answers all users.`;
}
