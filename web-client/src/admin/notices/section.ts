import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { icon } from "../../elements/icon.ts";
import { serverOf } from "../../store/actions.ts";
import { createNoticesAdmin } from "../../api/admin/notices.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { explainAct } from "../../text/act-problems.ts";
import { count } from "../parts/facts.ts";
import { adminStyles } from "../parts/styles.ts";
import { addresses } from "./addresses.ts";
import "./sendings.ts";
import type { WeftAdminNoticeSendings } from "./sendings.ts";

const MAX_TEXT = 20_000;

/** Server notices: what the server has to say to some of its users, or to all. */
@customElement("weft-admin-notices")
export class WeftAdminNotices extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private isToAll = false;
  @state() private toProblem = "";
  @state() private textProblem = "";
  @state() private problem = "";
  @state() private busy = false;
  @query("#to") private to!: HTMLTextAreaElement | null;
  @query("#text") private text!: HTMLTextAreaElement;
  @query("weft-admin-notice-sendings") private sendings!: WeftAdminNoticeSendings | null;

  static override styles = [
    base,
    buttons,
    forms,
    adminStyles,
    css`
      form {
        max-width: 640px;
      }
      fieldset {
        display: grid;
        gap: var(--space-2);
        margin: 0 0 var(--space-4);
        padding: 0;
        border: 0;
      }
      legend {
        margin-bottom: var(--space-2);
        padding: 0;
        font-size: 0.92em;
        font-weight: 550;
      }
      textarea {
        min-height: 5em;
        resize: vertical;
      }
      #text {
        min-height: 9em;
      }
      .wrong {
        margin: var(--space-1) 0 0;
        color: var(--danger);
        font-size: 0.9em;
      }
    `,
  ];

  readonly #onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (this.busy) return;
    this.problem = "";
    const text = this.text.value.trim();
    this.textProblem = textProblem(text);
    const named = this.isToAll ? undefined : this.#named();
    if (this.toProblem !== "") return this.to?.focus();
    if (this.textProblem !== "") return this.text.focus();
    this.busy = true;
    try {
      const api = createNoticesAdmin(this.client.api.http);
      this.#ask(text, named, named?.length ?? (await api.list()).everybody);
    } catch (error) {
      this.problem = explainAct(error);
    }
    this.busy = false;
  };

  /** Who is named, if all of it is right. */
  #named(): readonly string[] {
    const server = serverOf(this.client.session.userId);
    const { good, bad } = addresses(this.to?.value ?? "", server);
    this.toProblem =
      bad.length > 0
        ? msg(str`Not of this server, or no address: ${bad.slice(0, 5).join(", ")}`)
        : good.length === 0
          ? msg("This has to be filled in.")
          : "";
    return good;
  }

  #ask(text: string, to: readonly string[] | undefined, many: number): void {
    // Nobody gets one number twice, however often it is sent.
    const id = crypto.randomUUID();
    const content = { msgtype: "m.text", body: text };
    openDialog({
      kind: "act",
      act: {
        heading: msg("Send the notice"),
        text:
          to === undefined
            ? msg(
                str`Everybody with an open account gets it: ${count(many)} people. Bots and bridges do not.`,
              )
            : msg(str`They get it, in a room of their own with the server: ${count(many)}.`),
        undo: msg("What was sent cannot be taken back. You can stop while it is being sent."),
        ...(many < 50 ? {} : { typed: String(many) }),
        action: msg("Send"),
        run: async () => {
          const api = createNoticesAdmin(this.client.api.http);
          await api.begin(id, { content, ...(to === undefined ? {} : { users: [...to] }) });
          this.text.value = "";
          void this.sendings?.look();
        },
      },
    });
  }

  #form() {
    const server = serverOf(this.client.session.userId);
    return html`<form @submit=${this.#onSubmit} novalidate>
      <fieldset>
        <legend>${msg("To whom")}</legend>
        <label class="choice"
          ><input
            type="radio"
            name="whom"
            .checked=${!this.isToAll}
            @change=${() => (this.isToAll = false)}
          />${msg("Some of this server’s users")}</label
        >
        <label class="choice"
          ><input
            type="radio"
            name="whom"
            .checked=${this.isToAll}
            @change=${() => {
              this.isToAll = true;
              this.toProblem = "";
            }}
          />${msg("Everybody with an open account")}</label
        >
      </fieldset>
      ${
        this.isToAll
          ? nothing
          : html`<div class="field">
              <label for="to">${msg("Addresses, one a line")}</label>
              <textarea
                id="to"
                spellcheck="false"
                autocapitalize="off"
                placeholder="@ann:${server}"
                aria-required="true"
                aria-invalid=${this.toProblem === "" ? nothing : "true"}
                aria-describedby=${this.toProblem === "" ? nothing : "to-wrong"}
                @change=${() => void this.#named()}
              ></textarea>
              ${this.toProblem === "" ? nothing : html`<p class="wrong" id="to-wrong" role="alert">${this.toProblem}</p>`}
            </div>`
      }
      <div class="field">
        <label for="text">${msg("What they are told")}</label>
        <textarea
          id="text"
          aria-required="true"
          aria-invalid=${this.textProblem === "" ? nothing : "true"}
          aria-describedby=${this.textProblem === "" ? nothing : "text-wrong"}
        ></textarea>
        ${this.textProblem === "" ? nothing : html`<p class="wrong" id="text-wrong" role="alert">${this.textProblem}</p>`}
      </div>
      ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
      <button type="submit" class="button primary" aria-disabled=${this.busy}>
        ${icon("send")} ${this.busy ? msg("One moment…") : msg("Go on")}
      </button>
    </form>`;
  }

  override render() {
    return html`<div class="bar"><h2>${msg("Server notices")}</h2></div>
      <p class="hint">
        ${msg("A message in the name of the server, to each in a room of their own where only the server talks. It is sent in the background, also when this page is closed, and nobody is told twice.")}
      </p>
      ${this.#form()}
      <weft-admin-notice-sendings .client=${this.client}></weft-admin-notice-sendings>`;
  }
}

function textProblem(text: string): string {
  if (text === "") return msg("This has to be filled in.");
  return text.length > MAX_TEXT ? msg("This is too long for a message.") : "";
}
