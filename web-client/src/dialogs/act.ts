import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import type { Act, ActField, ActOutcome, ActValues } from "../store/acts.ts";
import { closeDialog } from "../store/dialogs.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { explainAct } from "../text/act-problems.ts";
import "../elements/dialog.ts";

/** The field for what has to be typed. */
const TYPED = "typed";

/** Says what will be done, asks for what is needed, does it, and says in place what went wrong. */
@customElement("weft-act")
export class WeftAct extends LitElement {
  @property({ attribute: false }) act!: Act;
  @state() private busy = false;
  @state() private problem = "";
  @state() private problems: Readonly<Record<string, string>> = {};
  @state() private outcome: ActOutcome | undefined;
  @state() private copied = false;

  static override styles = [
    base,
    buttons,
    forms,
    css`
      p {
        margin: 0 0 var(--space-3);
        overflow-wrap: anywhere;
        white-space: pre-line;
      }
      .undo {
        color: var(--muted);
      }
      .wrong {
        margin: var(--space-1) 0 0;
        color: var(--danger);
        font-size: 0.9em;
      }
      .choice {
        align-items: flex-start;
      }
      textarea {
        min-height: 6em;
        resize: vertical;
      }
      code {
        display: block;
        padding: var(--space-3);
        border-radius: var(--radius);
        background: var(--sunken);
        font-family: var(--mono);
        overflow-wrap: anywhere;
        user-select: all;
      }
    `,
  ];

  #fields(): readonly ActField[] {
    const { fields = [], typed } = this.act;
    if (typed === undefined) return fields;
    const check = (value: string) =>
      value === typed ? undefined : msg(str`Type ${typed} exactly as it stands here.`);
    const label = msg(str`Type ${typed} to confirm`);
    return [...fields, { name: TYPED, label, type: "text", isRequired: true, check }];
  }

  #input(name: string) {
    return this.renderRoot.querySelector<HTMLInputElement>(`[name="${name}"]`);
  }

  #valueOf({ name, type }: ActField): string {
    const input = this.#input(name);
    if (type === "tick") return input?.checked === true ? "yes" : "";
    return type === "password" ? (input?.value ?? "") : (input?.value.trim() ?? "");
  }

  #wrong(field: ActField): string | undefined {
    const value = this.#valueOf(field);
    if (value === "") {
      if (field.type === "number" && this.#input(field.name)?.validity.badInput === true)
        return msg("This is no number.");
      if (field.isRequired !== true) return undefined;
      return field.type === "tick" ? msg("Tick this to go on.") : msg("This has to be filled in.");
    }
    if (field.type === "number" && !/^\d{1,15}$/.test(value))
      return msg("A whole number from 0 on is needed here.");
    return field.check?.(value);
  }

  /** Looks a field over when it is left, so that what is wrong is said at once. */
  #look(field: ActField): void {
    const wrong = this.#valueOf(field) === "" ? undefined : this.#wrong(field);
    const { [field.name]: _, ...others } = this.problems;
    this.problems = wrong === undefined ? others : { ...others, [field.name]: wrong };
  }

  /** All that was filled in; undefined if something is wrong, which is said beside it then. */
  #read(): ActValues | undefined {
    const fields = this.#fields();
    const wrong = fields.map((field) => [field.name, this.#wrong(field)] as const);
    const problems = wrong.filter(([, text]) => text !== undefined);
    this.problems = Object.fromEntries(problems) as Record<string, string>;
    if (problems.length === 0)
      return Object.fromEntries(fields.map((field) => [field.name, this.#valueOf(field)]));
    this.#input(problems[0]![0])?.focus();
    return undefined;
  }

  readonly #onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (this.busy) return;
    this.problem = "";
    const values = this.#read();
    if (values === undefined) return;
    this.busy = true;
    try {
      const outcome = await this.act.run(values);
      if (outcome === undefined) closeDialog();
      else if ("next" in outcome) this.#goOn(outcome.next);
      else this.outcome = outcome;
    } catch (error) {
      this.#fail(error);
    }
    this.busy = false;
  };

  #goOn(next: Act): void {
    this.act = next;
    this.problems = {};
    // Nothing of the first form is left, and the keyboard goes where the second begins.
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector<HTMLElement>("form [autofocus]")?.focus(),
    );
  }

  #fail(error: unknown): void {
    const name = this.act.fieldOf?.(error);
    if (name === undefined) this.problem = explainAct(error);
    else {
      this.problems = { ...this.problems, [name]: explainAct(error) };
      this.#input(name)?.focus();
    }
  }

  #control(field: ActField, isFirst: boolean) {
    const { name, type, value = "", options = [] } = field;
    const describedBy =
      [field.hint && `${name}-hint`, this.problems[name] && `${name}-wrong`]
        .filter(Boolean)
        .join(" ") || nothing;
    const invalid = this.problems[name] === undefined ? nothing : "true";
    const look = () => this.#look(field);
    if (type === "choice")
      return html`<select
        id=${name}
        name=${name}
        aria-describedby=${describedBy}
        ?autofocus=${isFirst}
      >
        ${options.map(
          ([key, label]) => html`<option value=${key} ?selected=${key === value}>${label}</option>`,
        )}
      </select>`;
    if (type === "lines")
      return html`<textarea
        id=${name}
        name=${name}
        aria-describedby=${describedBy}
        aria-invalid=${invalid}
        aria-required=${field.isRequired === true}
        ?autofocus=${isFirst}
        @change=${look}
        .value=${value}
      ></textarea>`;
    const types = {
      text: "text",
      password: "password",
      number: "number",
      moment: "datetime-local",
    };
    return html`<input
      id=${name}
      name=${name}
      type=${type === "tick" ? "checkbox" : types[type]}
      min=${type === "number" ? 0 : nothing}
      autocomplete=${type === "password" ? "new-password" : "off"}
      spellcheck="false"
      aria-describedby=${describedBy}
      aria-invalid=${invalid}
      aria-required=${type === "tick" ? nothing : String(field.isRequired === true)}
      ?autofocus=${isFirst}
      ?checked=${type === "tick" && value === "yes"}
      @change=${look}
      .defaultValue=${type === "tick" ? "yes" : value}
    />`;
  }

  #field(field: ActField, at: number) {
    const { name, label, hint, type } = field;
    const control = this.#control(field, at === 0);
    const problem = this.problems[name];
    return html`<div class="field">
      ${
        type === "tick"
          ? html`<label class="choice">${control}<span>${label}</span></label>`
          : html`<label for=${name}>${label}</label>${control}`
      }
      ${hint === undefined ? nothing : html`<p class="hint" id="${name}-hint">${hint}</p>`}
      ${problem === undefined ? nothing : html`<p class="wrong" id="${name}-wrong" role="alert">${problem}</p>`}
    </div>`;
  }

  async #copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.copied = true;
    } catch {
      this.problem = msg("The browser does not let this page copy. Select the text, and copy it.");
    }
  }

  #done({ text, copy }: ActOutcome) {
    return html`<div role="status">
        <p>${text}</p>
        ${copy === undefined ? nothing : html`<code>${copy}</code>`}
      </div>
      ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
      <div class="actions">
        ${
          copy === undefined
            ? nothing
            : html`<button type="button" class="button" @click=${() => void this.#copy(copy)}>
                ${this.copied ? msg("Copied") : msg("Copy")}
              </button>`
        }
        <button type="button" class="button primary" id="close" @click=${closeDialog}>
          ${msg("Done")}
        </button>
      </div>`;
  }

  #form() {
    const { act, busy } = this;
    const fields = this.#fields();
    return html`<form @submit=${this.#onSubmit} novalidate autocomplete="off">
      ${act.text === undefined ? nothing : html`<p>${act.text}</p>`}
      ${act.undo === undefined ? nothing : html`<p class="undo">${act.undo}</p>`}
      ${fields.map((field, at) => this.#field(field, at))}
      ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
      <div class="actions">
        <button
          type="button"
          class="button"
          ?autofocus=${fields.length === 0}
          @click=${closeDialog}
        >
          ${msg("Cancel")}
        </button>
        <button
          type="submit"
          class="button ${act.isDanger === true ? "danger" : "primary"}"
          aria-disabled=${busy}
        >
          ${busy ? msg("One moment…") : act.action}
        </button>
      </div>
    </form>`;
  }

  override updated(): void {
    if (this.outcome !== undefined && !this.copied)
      this.renderRoot.querySelector<HTMLElement>("#close")?.focus();
  }

  override render() {
    return html`<weft-dialog heading=${this.act.heading}>
      ${this.outcome === undefined ? keyed(this.act, this.#form()) : this.#done(this.outcome)}
    </weft-dialog>`;
  }
}
