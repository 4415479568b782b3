import { msg, str } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import { ProvideClient } from "../../controllers/context.ts";
import type { Client } from "../../store/client.ts";
import type { Room } from "../../store/room.ts";
import { hrefTo } from "../../store/router.ts";
import { readSetting, writeSetting } from "../../store/settings.ts";
import { pickerStyles } from "../../styles/picker.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { loadEmoji, type Emoji } from "../../text/emoji.ts";
import "../emoticon.ts";
import { emojiGroups, stickerGroups, type Cell, type Group, type Picked } from "./groups.ts";
import { step } from "./steps.ts";

const TONE = "weft.skin-tone";
const HANDS = ["✋", "✋🏻", "✋🏼", "✋🏽", "✋🏾", "✋🏿"];
/** Groups that are drawn at once; the others follow a frame later, below what is seen. */
const FIRST = 3;

/**
 * Emoji, and the pictures of a room's packs. The keyboard stays in the search: arrows go through what is offered, Enter
 * takes it. Fires `picked` with a `Picked`, and `leave` when something else is wanted.
 */
@customElement("weft-picker")
export class WeftPicker extends LitElement {
  @property({ attribute: false }) client!: Client;
  /** Whose packs are offered too; absent for emoji alone. */
  @property({ attribute: false }) room: Room | undefined;
  /** Whether stickers are offered beside. */
  @property({ type: Boolean }) stickers = false;
  @property() mode: "emoji" | "stickers" = "emoji";
  @state() private all: readonly Emoji[] | undefined;
  @state() private failed = false;
  @state() private words = "";
  @state() private tone = Math.min(5, Math.max(0, Number(readSetting(TONE)) || 0));
  @state() private toning = false;
  @state() private groups: readonly Group[] = [];
  @state() private drawn = FIRST;
  /** The number of what Enter takes, among all that is offered. */
  @state() private active = -1;
  @state() private pointed: Cell | undefined;
  @query("input") private field!: HTMLInputElement;

  constructor() {
    super();
    new ProvideClient(this, () => this.client);
  }

  static override styles = [base, buttons, forms, pickerStyles];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#load();
  }

  override focus(): void {
    this.field?.focus();
  }

  #load(): void {
    this.failed = false;
    loadEmoji().then(
      (all) => (this.all = all),
      () => (this.failed = true),
    );
  }

  override willUpdate(changed: PropertyValues): void {
    const given = ["mode", "all", "words", "tone", "room"];
    if (!given.some((name) => changed.has(name))) return;
    const { client, room, tone, words: query } = this;
    const scope = { client, room, tone, query };
    this.groups =
      this.mode === "stickers" ? stickerGroups(scope) : emojiGroups(this.all ?? [], scope);
    this.active = query.trim() === "" || this.groups.length === 0 ? -1 : 0;
    this.pointed = undefined;
    this.drawn = FIRST;
  }

  override updated(changed: PropertyValues): void {
    if (this.drawn < this.groups.length)
      requestAnimationFrame(() => (this.drawn = this.groups.length));
    if (!changed.has("active") && !changed.has("groups") && !changed.has("drawn")) return;
    for (const old of this.renderRoot.querySelectorAll("[aria-selected=true]"))
      old.ariaSelected = "false";
    const option = this.renderRoot.querySelector(`#cell-${this.active}`);
    if (option === null) return;
    option.ariaSelected = "true";
    option.scrollIntoView({ block: "nearest" });
  }

  #cell(at: number): Cell | undefined {
    return this.groups.flatMap(({ cells }) => cells)[at];
  }

  #pick(cell: Cell | undefined): void {
    if (cell === undefined) return;
    this.dispatchEvent(new CustomEvent<Picked>("picked", { detail: cell.picked }));
  }

  get #columns(): number {
    const grid = this.renderRoot.querySelector(".cells");
    return grid === null ? 1 : getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      this.#pick(this.#cell(this.active));
      return;
    }
    const sizes = this.groups.map(({ cells }) => cells.length);
    const to = step(event.key, this.active, sizes, this.#columns);
    if (to === undefined) return;
    event.preventDefault();
    this.drawn = this.groups.length;
    this.active = to;
    this.pointed = undefined;
  };

  #cellUnder(event: Event): Cell | undefined {
    const option = (event.target as Element).closest("[role=option]");
    return option === null ? undefined : this.#cell(Number(option.id.slice("cell-".length)));
  }

  #choose(tone: number): void {
    writeSetting(TONE, String(tone));
    this.tone = tone;
    this.toning = false;
    void this.updateComplete.then(() => this.focus());
  }

  #show(mode: "emoji" | "stickers"): void {
    this.mode = mode;
    this.words = "";
    this.field.value = "";
    this.focus();
  }

  #modes() {
    if (!this.stickers) return nothing;
    const one = (mode: "emoji" | "stickers", label: string) =>
      html`<button
        type="button"
        aria-pressed=${this.mode === mode}
        @click=${() => this.#show(mode)}
      >
        ${label}
      </button>`;
    return html`<div class="modes" role="group" aria-label=${msg("What to send")}>
      ${one("emoji", msg("Emoji"))} ${one("stickers", msg("Stickers"))}
    </div>`;
  }

  #head() {
    const hint = this.mode === "emoji" ? msg("Find an emoji") : msg("Find a sticker");
    return html`<div class="head">
      <input
        type="search"
        role="combobox"
        autocomplete="off"
        spellcheck="false"
        aria-label=${hint}
        placeholder=${hint}
        aria-expanded="true"
        aria-autocomplete="list"
        aria-controls="list"
        aria-activedescendant=${this.active < 0 ? nothing : `cell-${this.active}`}
        @input=${() => (this.words = this.field.value)}
        @keydown=${this.#onKey}
      />
      ${
        this.mode === "emoji"
          ? html`<button
              type="button"
              class="icon-button"
              aria-label=${msg("Skin tone")}
              title=${msg("Skin tone")}
              aria-expanded=${this.toning}
              @click=${() => (this.toning = !this.toning)}
            >
              ${HANDS[this.tone]}
            </button>`
          : nothing
      }
    </div>`;
  }

  #tones() {
    const names = [
      msg("Yellow"),
      msg("Light"),
      msg("Medium light"),
      msg("Medium"),
      msg("Medium dark"),
      msg("Dark"),
    ];
    return html`<div class="ways" role="radiogroup" aria-label=${msg("Skin tone")}>
      ${HANDS.map(
        (hand, tone) =>
          html`<button
            type="button"
            role="radio"
            aria-checked=${tone === this.tone}
            aria-label=${names[tone]!}
            title=${names[tone]!}
            @click=${() => this.#choose(tone)}
          >
            ${hand}
          </button>`,
      )}
    </div>`;
  }

  /** The way to each group. */
  #ways() {
    if (this.toning) return this.#tones();
    if (this.words.trim() !== "" || this.groups.length < 2) return nothing;
    const go = async (at: number): Promise<void> => {
      this.drawn = this.groups.length;
      await this.updateComplete;
      this.renderRoot.querySelector(`#group-${at}`)?.scrollIntoView({ block: "start" });
    };
    return html`<div class="ways" role="group" aria-label=${msg("Sorts")}>
      ${this.groups.map(
        ({ label, sign }, at) =>
          html`<button type="button" aria-label=${label} title=${label} @click=${() => void go(at)}>
            ${typeof sign === "string" ? sign : html`<weft-emoticon mxc=${sign.mxc}></weft-emoticon>`}
          </button>`,
      )}
    </div>`;
  }

  #group({ label, cells }: Group, group: number, first: number): TemplateResult {
    const rows = Math.ceil(cells.length / (this.mode === "emoji" ? 9 : 4));
    const height = 28 + rows * (this.mode === "emoji" ? 38 : 84);
    return html`<div
      class="group"
      id="group-${group}"
      role="group"
      aria-labelledby="name-${group}"
      style="contain-intrinsic-size:auto ${height}px"
    >
      <div class="name ellipsis" id="name-${group}" role="presentation">${label}</div>
      <div class="cells" role="presentation">
        ${cells.map(
          (cell, at) =>
            html`<div
              role="option"
              id="cell-${first + at}"
              aria-selected="false"
              aria-label=${cell.label}
              title=${cell.label}
            >
              ${cell.emoji ?? html`<weft-emoticon lazy mxc=${cell.image!.mxc}></weft-emoticon>`}
            </div>`,
        )}
      </div>
    </div>`;
  }

  #list() {
    let first = 0;
    return this.groups.slice(0, this.drawn).map((group, at) => {
      const drawn = this.#group(group, at, first);
      first += group.cells.length;
      return drawn;
    });
  }

  #nothing() {
    if (this.mode === "emoji" && this.failed)
      return html`<p class="none" role="alert">
        ${msg("The emoji did not load.")}<br />
        <button type="button" class="button quiet small" @click=${() => this.#load()}>
          ${msg("Try again")}
        </button>
      </p>`;
    if (this.groups.length > 0) return nothing;
    if (this.words.trim() !== "")
      return html`<p class="none" role="status">${msg(str`Nothing fits “${this.words}”.`)}</p>`;
    if (this.mode === "emoji") return html`<p class="none" role="status">${msg("Loading…")}</p>`;
    return html`<p class="none">
      ${msg("There are no stickers here yet.")}<br />
      <a
        href=${hrefTo({ page: "settings", section: "pictures" })}
        @click=${() => this.dispatchEvent(new CustomEvent("leave"))}
        >${msg("Make your own")}</a
      >
    </p>`;
  }

  #foot() {
    const cell = this.pointed ?? this.#cell(this.active);
    if (this.mode === "stickers" && this.room?.encryption !== undefined)
      return html`<div class="foot">
        ${msg("Stickers lie on the server unencrypted, also those sent in encrypted rooms.")}
      </div>`;
    if (!matchMedia("(pointer: fine)").matches) return nothing;
    if (cell === undefined)
      return this.mode === "stickers" ? nothing : html`<div class="foot"></div>`;
    return html`<div class="foot" aria-hidden="true">
      <span class="sign"
        >${cell.emoji ?? html`<weft-emoticon mxc=${cell.image!.mxc}></weft-emoticon>`}</span
      >
      <span class="about"
        ><b class="ellipsis">${cell.label}</b> <span class="code ellipsis">${cell.code}</span></span
      >
    </div>`;
  }

  override render() {
    return html`${this.#modes()} ${this.#head()} ${this.#ways()}
      <div
        class="list scroll ${this.mode}"
        id="list"
        role=${this.groups.length === 0 ? nothing : "listbox"}
        aria-label=${this.mode === "emoji" ? msg("Emoji") : msg("Stickers")}
        tabindex="-1"
        @click=${(event: Event) => this.#pick(this.#cellUnder(event))}
        @pointerover=${(event: Event) => (this.pointed = this.#cellUnder(event))}
        @pointerleave=${() => (this.pointed = undefined)}
      >
        ${guard([this.groups, this.drawn], () => this.#list())} ${this.#nothing()}
      </div>
      ${this.#foot()}`;
  }
}

/** The picker, ready for a page. */
export function createPicker(client: Client): WeftPicker {
  const picker = document.createElement("weft-picker") as WeftPicker;
  picker.client = client;
  return picker;
}
