// One answer on the page: its output while it is written, then scores, citations, facts, and a form for feedback.
//
// Two stand side by side when versions are compared; the ids of the second end with -2.

import { aside, facts, make } from "./dom.js";
import { localeName, percent } from "./format.js";
import { FeedbackForm } from "./feedback.js";

const SHOWN_SCORES = 10;

export class AnswerPanel {
  constructor(suffix) {
    const part = (tag, name, attributes = {}) => make(tag, "", { id: name + suffix, ...attributes });
    this.heading = part("h3", "answer-heading");
    this.output = part("p", "output", { class: "output", dir: "auto", role: "status" });
    this.scores = part("div", "scores");
    this.citations = part("div", "citations");
    this.facts = part("dl", "facts", { class: "facts" });
    this.goOn = make("button", "Go on from this answer", { type: "button", id: `go-on${suffix}` });
    this.feedback = new FeedbackForm(suffix);
    this.node = make(
      "section",
      [this.heading, this.output, this.scores, this.citations, this.facts, this.goOn, this.feedback.node],
      { id: `answer${suffix}`, class: "answer", "aria-labelledby": `answer-heading${suffix}` },
    );
    this.hide();
  }

  hide() {
    this.node.hidden = true;
    this.goOn.hidden = true;
    for (const part of [this.output, this.scores, this.citations, this.facts]) part.replaceChildren();
    this.output.removeAttribute("aria-busy");
    this.feedback.hide();
  }

  // Gets ready for pieces of an output.
  begin(heading) {
    this.hide();
    this.heading.textContent = heading;
    this.node.hidden = false;
    this.output.setAttribute("aria-busy", "true"); // so that it is read out once, when it is whole
  }

  add(text) {
    this.output.append(text);
  }

  // Shows what there is of an answer that was stopped or broke off.
  stop(note) {
    this.output.removeAttribute("aria-busy");
    this.output.append(" ", aside(note));
  }

  show(task, answer) {
    this.output.lang = answer.target_locale ?? "";
    this.output.textContent = answer.output || "(no answer)";
    this.output.removeAttribute("aria-busy");
    this.scores.replaceChildren(...scoreList(answer.scores));
    this.citations.replaceChildren(...citationList(answer.citations));
    this.facts.replaceChildren(...facts(told(answer)));
    this.goOn.hidden = task.request_schema.properties.messages === undefined;
    this.feedback.show(task, answer);
  }
}

function scoreList(scores) {
  if (!scores) return [];
  const sorted = Object.entries(scores).sort(([, one], [, other]) => other - one);
  const rows = sorted.slice(0, SHOWN_SCORES).map(([label, score]) => {
    const bar = make("i");
    bar.style.width = `${score * 100}%`; // a property, not an attribute: the latter is what the page's policy forbids
    const track = make("span", bar, { class: "track", "aria-hidden": "true" });
    return make("li", [make("span", label), track, make("span", `${(score * 100).toFixed(1)} %`)]);
  });
  const parts = [make("ul", rows, { class: "scores", role: "list", "aria-label": "Scores" })];
  if (sorted.length > rows.length) parts.push(aside(`and ${sorted.length - rows.length} labels with less`));
  return parts;
}

function citationList(citations) {
  if (!citations?.length) return [];
  const items = citations.map(({ document_id: id, source, start, end }) =>
    make("li", [source || id, " ", aside(`${id}, characters ${start} to ${end}`)]),
  );
  return [make("ol", items, { class: "citations", "aria-label": "Citations" })];
}

function told(answer) {
  const locale = localeName(answer.locale);
  const pairs = [
    ["Version", answer.version],
    ["Locale", answer.target_locale ? `${locale} → ${localeName(answer.target_locale)}` : locale],
    ["Latency", `${answer.latency_ms.toFixed(1)} ms`],
    ["Tokens", `${answer.usage.input_tokens} read, ${answer.usage.output_tokens} written`],
  ];
  if (answer.confidence !== undefined) pairs.push(["Confidence", percent(answer.confidence)]);
  for (const { guard, on, action, count } of answer.guardrails ?? []) {
    pairs.push([`Guardrail ${guard}`, `${action} in the ${on}, ${count} times`]);
  }
  return [...pairs, ["Signed id", make("span", answer.id, { class: "id" })]];
}
