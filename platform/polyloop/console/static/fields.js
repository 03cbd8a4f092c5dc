// The fields of a request, made from the JSON schema that GET /v1/tasks gives for a task.
//
// What the platform knows more of has a field of its own: locales of the task, its pairs, its styles, turns of a
// conversation. Any other property becomes a field by its type, so that a new kind of task needs nothing here.

import { ApiError } from "./api.js";
import { fill, labelled, make } from "./dom.js";
import { localeName } from "./format.js";
import { Turns } from "./turns.js";

const NAMES = { input: "Input", locale: "Locale of the input", target_locale: "Translate into", style: "Style" };
const SETTINGS = ["locale", "target_locale", "style"];
const TEXTS = ["input", "messages"];

const nameOf = (property) =>
  NAMES[property] ?? property.charAt(0).toUpperCase() + property.slice(1).replaceAll("_", " ");
const pairsOf = (task) => task.pairs.map((pair) => pair.split(">"));
const named = (locales) => [...new Set(locales)].map((locale) => [locale, localeName(locale)]);

export class Fields {
  constructor(task) {
    this.task = task;
    this.schema = task.request_schema;
    this.readers = new Map(); // property -> function that gives its value, or undefined for none
    const nodes = new Map();
    for (const property of Object.keys(this.schema.properties)) {
      const node = this.field(property);
      if (node) nodes.set(property, node);
    }
    const pick = (names) => names.map((name) => nodes.get(name)).filter(Boolean);
    const others = [...nodes.keys()].filter((name) => !SETTINGS.includes(name) && !TEXTS.includes(name));
    const more = make("details", [make("summary", "More fields"), ...pick(others)], { id: "more-fields" });
    this.nodes = [make("div", pick(SETTINGS), { class: "pair" }), ...pick(TEXTS), ...(others.length ? [more] : [])];
  }

  // Returns the body that the fields say; ApiError for a field that cannot be read.
  read() {
    const body = {};
    for (const [property, reader] of this.readers) {
      const value = reader();
      if (value !== undefined) body[property] = value;
    }
    return body;
  }

  field(property) {
    const { properties } = this.schema;
    if (property === "messages") return this.conversation();
    if (property === "input" && properties.messages) return null; // one of the two, and the turns say more
    if (property === "locale") return this.locale();
    if (property === "target_locale") return this.target();
    if (property === "style") return this.style();
    return this.other(property, this.resolved(properties[property]));
  }

  locale() {
    const sources = this.task.pairs.length ? pairsOf(this.task).map(([source]) => source) : this.task.locales;
    const select = make("select", "", { id: "locale" });
    fill(select, named(sources), "Tell it from the text");
    select.addEventListener("change", () => this.localeChanged(select.value));
    return this.keep("locale", select);
  }

  target() {
    this.targets = make("select", "", { id: "target_locale" });
    this.offerTargets("");
    return this.keep("target_locale", this.targets);
  }

  style() {
    if (!this.task.styles.length) return null;
    const select = make("select", "", { id: "style" });
    fill(select, this.task.styles.map((style) => [style, style]), "None");
    return this.keep("style", select);
  }

  conversation() {
    const { items } = this.schema.properties.messages;
    this.turns = new Turns(this.resolved(items).properties.role.enum);
    this.readers.set("messages", () => this.turns.read());
    return this.turns.node;
  }

  // Any property: long texts, numbers, yes or no, and JSON for what has parts.
  other(property, { type, maxLength = 0, description = "", enum: choices }) {
    const isRequired = (this.schema.required ?? []).includes(property);
    const common = { id: property === "input" ? property : `field-${property}`, required: isRequired ? "" : undefined };
    const hint = property === "input" ? "" : description;
    if (choices) {
      const select = make("select", "", common);
      fill(select, choices.map((choice) => [choice, choice]), isRequired ? undefined : "None");
      return this.keep(property, select, hint);
    }
    if (type === "boolean") return this.keep(property, make("input", "", { ...common, type: "checkbox" }), hint, asFlag);
    if (type === "integer" || type === "number") {
      const step = type === "integer" ? "1" : "any";
      return this.keep(property, make("input", "", { ...common, type: "number", step }), hint, asNumber);
    }
    const isText = type === "string";
    const isLong = !isText || maxLength > 1000 || property === "input";
    const control = isLong
      ? make("textarea", "", { ...common, rows: "5", dir: "auto" })
      : make("input", "", { ...common, type: "text", spellcheck: "false" });
    if (isText && maxLength) control.maxLength = maxLength;
    return this.keep(property, control, hint, isText ? asText : asJson(property));
  }

  keep(property, control, hint = "", value = asText) {
    this.readers.set(property, () => value(control));
    return labelled(nameOf(property), control, hint);
  }

  localeChanged(locale) {
    this.offerTargets(locale);
    const input = document.getElementById("input");
    if (input) input.lang = locale;
  }

  offerTargets(locale) {
    const pairs = pairsOf(this.task).filter(([source]) => !locale || source === locale);
    if (this.targets) fill(this.targets, named(pairs.map(([, target]) => target)));
  }

  // Returns a schema without references and without null.
  resolved(schema) {
    const parts = schema.anyOf ?? [schema];
    const [part] = parts.filter(({ type }) => type !== "null");
    const found = part.$ref ? this.schema.$defs[part.$ref.split("/").at(-1)] : part;
    return { ...found, description: schema.description ?? found.description };
  }
}

const asText = ({ value }) => (value === "" ? undefined : value);
const asNumber = ({ value }) => (value === "" ? undefined : Number(value));
const asFlag = ({ checked }) => checked || undefined;

const asJson =
  (property) =>
  ({ value }) => {
    if (!value.trim()) return undefined;
    try {
      return JSON.parse(value);
    } catch {
      throw new ApiError(0, `${nameOf(property)}: that is not JSON.`);
    }
  };
