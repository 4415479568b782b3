import { msg, str } from "@lit/localize";
import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { newPoll, START } from "../store/polls.ts";
import type { Draft } from "../text/compose.ts";
import { relationOf } from "../text/compose.ts";
import { field, FormDialog } from "./form-dialog.ts";

const MAX_ANSWERS = 20;

/** Asks the people of a room a question. */
@customElement("weft-new-poll")
export class WeftNewPoll extends FormDialog {
  @property() roomId = "";
  @property({ attribute: false }) thread: Draft["thread"];
  @state() private count = 2;

  protected override async submit(data: FormData): Promise<boolean> {
    const room = this.client.store.room(this.roomId);
    const answers = data
      .getAll("answer")
      .flatMap((one) => (typeof one === "string" && one.trim() !== "" ? [one.trim()] : []));
    if (answers.length < 2) {
      this.problem = msg("Give at least two answers.");
      return false;
    }
    if (new Set(answers).size < answers.length) {
      this.problem = msg("Two answers are the same.");
      return false;
    }
    if (room === undefined) return true;
    const content = newPoll({
      question: field(data, "question"),
      answers,
      most: data.has("several") ? answers.length : 1,
      isOpen: !data.has("hidden"),
    });
    const relation = this.thread && relationOf({ thread: this.thread });
    const related = relation === undefined ? content : { ...content, "m.relates_to": relation };
    this.client.outbox.send(room, START, related);
    return true;
  }

  async #more(): Promise<void> {
    this.count += 1;
    await this.updateComplete;
    [...this.renderRoot.querySelectorAll<HTMLElement>("[name=answer]")].at(-1)?.focus();
  }

  override render() {
    return this.form(
      msg("Create a poll"),
      msg("Ask"),
      html`<div class="field">
          <label for="question">${msg("Question")}</label>
          <input id="question" name="question" required maxlength="340" autofocus />
        </div>
        ${Array.from(
          { length: this.count },
          (_, at) =>
            html`<div class="field">
              <label for="answer-${at}">${msg(str`Answer ${at + 1}`)}</label>
              <input id="answer-${at}" name="answer" maxlength="340" ?required=${at < 2} />
            </div>`,
        )}
        ${
          this.count < MAX_ANSWERS
            ? html`<button type="button" class="button small" @click=${() => void this.#more()}>
                ${msg("Another answer")}
              </button>`
            : nothing
        }
        <p>
          <label class="choice"
            ><input type="checkbox" name="several" />
            ${msg("One may choose several answers")}</label
          >
          <label class="choice"
            ><input type="checkbox" name="hidden" />
            ${msg("Show the outcome at the end only")}</label
          >
        </p>`,
    );
  }
}
