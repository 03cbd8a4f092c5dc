// Building blocks of the page. Whatever comes from the server or the user is put there as text, never as markup.

import { ApiError } from "./api.js";

export const byId = (id) => document.getElementById(id);

export function make(tag, content = "", attributes = {}) {
  const node = document.createElement(tag);
  node.append(...[content].flat());
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) node.setAttribute(name, value);
  }
  return node;
}

export function table(caption, columns, rows) {
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

export const badge = (text, tone = "") => make("span", text, { class: `badge ${tone}` });
export const aside = (text) => make("span", text, { class: "aside" });

// A control with its label, and a hint where there is one.
export function labelled(text, control, hint = "") {
  const label = make("label", text, { for: control.id });
  if (!hint) return make("div", [label, control], { class: "field" });
  control.setAttribute("aria-describedby", `${control.id}-hint`);
  return make("div", [label, control, make("p", hint, { id: `${control.id}-hint`, class: "hint" })], { class: "field" });
}

// Names and descriptions, as a list of facts.
export function facts(pairs) {
  return pairs.flatMap(([name, value]) => [make("dt", name), make("dd", value)]);
}

// Fills a list of choices, given as [value, text], and keeps what is chosen where it still can be.
export function fill(select, options, first) {
  const before = select.value;
  const all = first === undefined ? options : [["", first], ...options];
  select.replaceChildren(...all.map(([value, text]) => make("option", text, { value })));
  if (all.some(([value]) => value === before)) select.value = before;
}

// Does some work for a button, and shows what stood in its way; a key that is no good closes the page.
export async function during(button, problem, work) {
  // The button stays focusable while it works, so that the keyboard does not lose its place.
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  problem.textContent = "";
  try {
    await work();
  } catch (error) {
    report(error, problem);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

export function report(error, problem) {
  if (!(error instanceof ApiError)) throw error;
  if (error.status === 401) document.dispatchEvent(new CustomEvent("refused", { detail: error.message }));
  else problem.textContent = error.message;
}
