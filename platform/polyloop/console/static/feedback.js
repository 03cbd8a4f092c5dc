// A statement on one answer: good or bad, and what would have been right. It is stored once, however often it is sent.

import { allows, call } from "./api.js";
import { byId, during, fill, labelled, make } from "./dom.js";
import { newKey } from "./format.js";

export class FeedbackForm {
  constructor(suffix) {
    this.answer = null; // what the statement is about
    this.sent = null; // the last statement, with its Idempotency-Key
    this.label = make("select", "", { id: `correct-label${suffix}` });
    this.text = make("textarea", "", { id: `correct-text${suffix}`, rows: "3", dir: "auto" });
    this.labelField = labelled("Right label", this.label);
    this.textField = labelled("Right text", this.text, "Sent as a correction only if you change it.");
    this.button = make("button", "Send feedback", { type: "submit", id: `send${suffix}` });
    this.receipt = make("p", "", { id: `receipt${suffix}`, class: "receipt", role: "status" });
    this.problem = make("p", "", { id: `feedback-problem${suffix}`, class: "problem", role: "alert" });
    const thumbs = [...thumb(suffix, "up", "1", "Good"), ...thumb(suffix, "down", "-1", "Bad")];
    const rating = make("fieldset", [make("legend", "Is the answer right?"), make("div", thumbs, { class: "thumbs" })]);
    this.node = make(
      "form",
      [make("h4", "Feedback"), rating, this.labelField, this.textField, this.button, this.receipt, this.problem],
      { id: `feedback-form${suffix}`, class: "feedback", autocomplete: "off" },
    );
    this.node.addEventListener("submit", (event) => this.give(event));
  }

  hide() {
    this.answer = null;
    this.sent = null;
    this.node.hidden = true;
    this.node.reset();
    for (const part of [this.receipt, this.problem]) part.replaceChildren();
  }

  show(task, answer) {
    this.hide();
    this.answer = answer;
    this.node.hidden = !allows("feedback");
    const classifies = task.labels.length > 0;
    this.labelField.hidden = !classifies;
    this.textField.hidden = classifies;
    fill(this.label, task.labels.map((label) => [label, label]), "Choose if the answer is wrong");
    this.label.value = "";
    this.text.value = answer.output;
    this.text.lang = answer.target_locale ?? "";
  }

  statement() {
    const said = { inference_id: this.answer.id };
    const rating = this.node.querySelector("input[type=radio]:checked");
    if (rating) said.rating = Number(rating.value);
    const isText = this.labelField.hidden;
    const correction = (isText ? this.text : this.label).value.trim();
    if (correction && !(isText && correction === this.answer.output.trim())) said.correction = correction;
    return said;
  }

  async give(event) {
    event.preventDefault();
    const said = this.statement();
    this.receipt.textContent = "";
    if (said.rating === undefined && said.correction === undefined) {
      this.problem.textContent = "There is nothing to send yet: choose Good or Bad, or give a correction.";
      return;
    }
    const body = JSON.stringify(said);
    // The same statement again, after a failure, is one statement.
    if (this.sent?.body !== body) this.sent = { body, key: newKey() };
    const headers = { "Idempotency-Key": this.sent.key };
    await during(this.button, this.problem, async () => {
      const { feedback_id: id } = await call("v1/feedback", { method: "POST", body, headers });
      if (this.answer?.id === said.inference_id) this.receipt.append("Stored. Receipt ", make("span", id, { class: "id" }));
    });
  }
}

function thumb(suffix, way, value, text) {
  const id = `thumb-${way}${suffix}`;
  const drawing = byId("thumb").content.firstElementChild.cloneNode(true);
  drawing.classList.add(way);
  const input = make("input", "", { id, type: "radio", name: `rating${suffix}`, value });
  return [input, make("label", [drawing, text], { for: id })];
}
