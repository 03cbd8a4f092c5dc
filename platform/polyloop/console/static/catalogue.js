// The tables of tasks and of versions, and what is known of each task.

import { aside, badge, byId, make, table } from "./dom.js";
import { METRIC_NAMES, moment } from "./format.js";

const STATE_TONES = { published: "good", failed: "bad", rejected: "bad" };

export const tasks = new Map(); // name -> what GET /v1/tasks says of it
export let versions = []; // what GET /v1/models says

export function showCatalogue(listed, models, reasons) {
  tasks.clear();
  for (const task of listed) tasks.set(task.task, task);
  versions = models;
  showTasks(reasons);
  showVersions();
}

export function clearCatalogue() {
  tasks.clear();
  versions = [];
  for (const id of ["task-table", "version-tables"]) byId(id).replaceChildren();
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

function showVersions() {
  const tables = [...tasks.keys()].map((name) => {
    const rows = versions.filter((model) => model.task === name).map(versionRow);
    if (rows.length) return table(name, ["Version", "State", "Overall", "By locale", "Created"], rows);
    return make("p", `${name}: no version yet. \`polyloop loop run --task ${name}\` trains the first.`);
  });
  byId("version-tables").replaceChildren(...tables);
}

function versionRow(model) {
  const { metric, overall, locales = {} } = model.metrics;
  return [
    model.champion ? [model.version, " ", badge("champion", "good")] : model.version,
    badge(model.state, STATE_TONES[model.state]),
    overall ? [METRIC_NAMES[metric] ?? metric, " ", ...figures(overall)] : aside("not evaluated"),
    overall
      ? Object.entries(locales).map(([locale, result]) =>
          make("span", [`${locale} `, ...figures(result)], { class: "score" }),
        )
      : "–",
    make("time", moment(model.created_at), { datetime: model.created_at }),
  ];
}

function figures({ value, low, high, num_rows: numRows }) {
  const interval = `${low.toFixed(1)} to ${high.toFixed(1)}, ${numRows.toLocaleString()} rows`;
  return [make("strong", value.toFixed(1)), " ", aside(interval)];
}
