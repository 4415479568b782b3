import { msg } from "@lit/localize";
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import "../../elements/avatar.ts";
import "../../elements/dialog.ts";
import { icon } from "../../elements/icon.ts";
import type { Client } from "../../store/client.ts";
import { closeDialog } from "../../store/dialogs.ts";
import { report } from "../../store/toasts.ts";
import { base, forms } from "../../styles/shared.ts";
import { commandsOf, findCommands, findPeople, type Command } from "./commands.ts";

/** Milliseconds after the last key before the directory is asked. */
const PAUSE = 200;
/** How many lines are offered: more are found by another letter. */
const SHOWN = 40;

/** Goes to any room, person or setting, and does whatever can be done, by typing a bit of its name. */
@customElement("weft-palette")
export class WeftPalette extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private term = "";
  @state() private at = 0;
  @state() private people: readonly Command[] = [];
  @query("input") private field!: HTMLInputElement;
  #timer: ReturnType<typeof setTimeout> | undefined;

  static override styles = [
    base,
    forms,
    css`
      ul {
        max-height: min(440px, 60dvh);
        margin: var(--space-2) 0 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        min-height: 42px;
        padding: 4px var(--space-2);
        border-radius: var(--radius);
        cursor: pointer;
        scroll-margin: var(--space-2);
      }
      li:hover {
        background: var(--hover);
      }
      li[aria-selected="true"] {
        background: var(--accent-soft);
      }
      .sign {
        display: grid;
        place-items: center;
        width: 30px;
        color: var(--muted);
      }
      .label {
        min-width: 0;
        margin: 0;
        font-size: 1em;
        font-weight: 500;
      }
      .detail {
        flex: 1;
        min-width: 0;
        color: var(--muted);
        font-size: 0.87em;
        text-align: end;
      }
      .empty {
        margin: var(--space-4) 0 0;
        color: var(--muted);
      }
      @media (forced-colors: active) {
        li[aria-selected="true"] {
          outline: 2px solid Highlight;
          outline-offset: -2px;
        }
      }
    `,
  ];

  override disconnectedCallback(): void {
    clearTimeout(this.#timer);
    super.disconnectedCallback();
  }

  #shown(): Command[] {
    const known = commandsOf(this.client);
    const ids = new Set(known.map(({ id }) => id));
    const fresh = this.people.filter(({ id }) => !ids.has(id));
    return [...findCommands(known, this.term), ...fresh].slice(0, SHOWN);
  }

  readonly #onInput = (): void => {
    this.term = this.field.value;
    this.at = 0;
    clearTimeout(this.#timer);
    const term = this.term.trim();
    if (term.length < 2) {
      this.people = [];
      return;
    }
    this.#timer = setTimeout(() => {
      void findPeople(this.client, term).then((people) => {
        if (this.term.trim() === term) this.people = people;
      });
    }, PAUSE);
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    const shown = this.#shown();
    const moves: Record<string, number> = { ArrowDown: this.at + 1, ArrowUp: this.at - 1 };
    const to = moves[event.key];
    if (to !== undefined) this.at = (to + shown.length) % Math.max(shown.length, 1);
    else if (event.key === "Enter") this.#run(shown[this.at]);
    else return;
    event.preventDefault();
  };

  #run(command: Command | undefined): void {
    if (command === undefined) return;
    closeDialog();
    (async () => command.run())().catch(report);
  }

  override updated(): void {
    this.renderRoot.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }

  #line(command: Command, at: number): TemplateResult {
    const { face, label, detail } = command;
    return html`<li
      id="line-${at}"
      role="option"
      aria-selected=${at === this.at}
      @click=${() => this.#run(command)}
    >
      ${
        face === undefined
          ? html`<span class="sign">${icon(command.icon ?? "more")}</span>`
          : html`<weft-avatar
              seed=${face.seed}
              name=${label}
              .mxc=${face.mxc}
              size="30"
            ></weft-avatar>`
      }
      <span class="label ellipsis">${label}</span>
      <span class="detail ellipsis">${detail}</span>
    </li>`;
  }

  override render() {
    const shown = this.#shown();
    return html`<weft-dialog heading=${msg("Go anywhere, do anything")}>
      <input
        type="search"
        autofocus
        role="combobox"
        aria-label=${msg("Room, person, setting or action")}
        placeholder=${msg("Room, person, setting or action")}
        aria-expanded=${shown.length > 0}
        aria-controls="lines"
        aria-autocomplete="list"
        aria-activedescendant=${shown.length > 0 ? `line-${this.at}` : nothing}
        autocomplete="off"
        spellcheck="false"
        @input=${this.#onInput}
        @keydown=${this.#onKey}
      />
      <ul
        id="lines"
        class="scroll"
        role="listbox"
        aria-label=${msg("What fits")}
        ?hidden=${shown.length === 0}
      >
        ${shown.map((command, at) => this.#line(command, at))}
      </ul>
      <p class="empty" role="status">
        ${shown.length === 0 ? msg("Nothing fits. Try another word.") : nothing}
      </p>
    </weft-dialog>`;
  }
}
