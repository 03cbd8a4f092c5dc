// The turns of a conversation, as fields: each has a role and a text; the last is the user's.

import { labelled, make } from "./dom.js";

export class Turns {
  constructor(roles) {
    this.roles = roles;
    this.list = make("div");
    this.add = make("button", "Add a turn", { type: "button", id: "add-turn" });
    this.add.addEventListener("click", () => this.addTurn(this.nextRole()).focus());
    this.node = make("fieldset", [make("legend", "Conversation"), this.list, this.add], { id: "messages" });
    this.addTurn("user");
  }

  // Adds a turn and returns its text field.
  addTurn(role, content = "") {
    const number = this.list.children.length + 1;
    const select = make(
      "select",
      this.roles.map((name) => make("option", name, { value: name })),
      { id: `role-${number}` },
    );
    select.value = role;
    const text = make("textarea", "", { id: `turn-${number}`, rows: "2", dir: "auto" });
    text.value = content;
    const turn = make("div", [labelled(`Role of turn ${number}`, select), labelled(`Text of turn ${number}`, text)], {
      class: "turn",
    });
    if (number > 1) {
      const remove = make("button", "Remove", { type: "button", "aria-label": `Remove turn ${number} and all after it` });
      remove.addEventListener("click", () => this.cut(number));
      turn.append(remove);
    }
    this.list.append(turn);
    return text;
  }

  // Takes an answer over as a turn, and opens the next one.
  goOn(output) {
    this.addTurn("assistant", output);
    this.addTurn("user").focus();
  }

  // Removes a turn and those after it, so that numbers stay those of the places.
  cut(number) {
    while (this.list.children.length >= number) this.list.lastElementChild.remove();
    this.list.querySelector("div.turn:last-child textarea").focus();
  }

  read() {
    return [...this.list.children].map((turn) => ({
      role: turn.querySelector("select").value,
      content: turn.querySelector("textarea").value,
    }));
  }

  nextRole() {
    const last = this.read().at(-1);
    return last.role === "user" ? "assistant" : "user";
  }
}
