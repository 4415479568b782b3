import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { MatrixEvent } from "../../api/types.ts";
import { Watch } from "../../controllers/watch.ts";
import type { Client } from "../../store/client.ts";
import { describeMessage } from "../../store/describe.ts";
import { goToEvent } from "../../store/panel.ts";
import { Room } from "../../store/room.ts";
import { navigate } from "../../store/router.ts";
import {
  createSearch,
  type Hit,
  type Search,
  type SearchState,
} from "../../store/search/search.ts";
import { panelStyles } from "../../styles/panel.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { snippet } from "../../text/highlight.ts";
import { explain } from "../../text/problems.ts";
import { icon } from "../icon.ts";
import { quotedMessage } from "./quoted-message.ts";
import { queryOf, searchFilters } from "./search-filters.ts";
import "./search-reach.ts";

/** Characters of a message in which its words are looked for. */
const LOOKED_AT = 2000;

/** Searches messages: in this room or everywhere, on the server and in what this device has read. */
@customElement("weft-search")
export class WeftSearch extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  /** Whether it begins with all rooms. */
  @property({ type: Boolean }) everywhere = false;
  @state() private all = false;
  @state() private filtering = false;
  @query("form") private form!: HTMLFormElement;
  @query("input[type=search]") private field!: HTMLInputElement;
  #search: Search | undefined;

  constructor() {
    super();
    new Watch(this, () => [this.#search?.$state, this.room?.signals.$state]);
  }

  static override styles = [
    base,
    buttons,
    forms,
    panelStyles,
    css`
      form {
        display: grid;
        gap: var(--space-2);
        padding: 0 var(--space-3) var(--space-2);
      }
      .find {
        display: flex;
        gap: var(--space-2);
      }
      .find input {
        flex: 1;
        min-width: 0;
      }
      .where {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-1) var(--space-4);
      }
      .where .button {
        margin-inline-start: auto;
      }
      .filters {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--space-2);
      }
      .filters label {
        font-size: 0.83em;
      }
      .filters input,
      .filters select {
        min-height: 36px;
        padding: 4px var(--space-2);
      }
      .state {
        margin: 0;
        padding: 0 var(--space-4);
        color: var(--muted);
        font-size: 0.87em;
      }
      .context {
        display: block;
        color: var(--muted);
        font-size: 0.87em;
      }
    `,
  ];

  override firstUpdated(): void {
    this.all = this.everywhere;
    this.field.focus();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("everywhere") && this.hasUpdated) this.all = this.everywhere;
  }

  override disconnectedCallback(): void {
    this.#search?.stop();
    super.disconnectedCallback();
  }

  #start(event?: Event): void {
    event?.preventDefault();
    const asked = queryOf(new FormData(this.form), this.all ? undefined : this.room.roomId);
    this.#search?.stop();
    this.#search = createSearch(this.client, asked);
    void this.#search.more();
    this.requestUpdate();
  }

  #open({ roomId, event }: Hit): void {
    if (roomId === this.room.roomId) goToEvent(this, event.event_id);
    else navigate({ page: "room", room: roomId, eventId: event.event_id, via: [] });
  }

  #context(room: Room, event: MatrixEvent | undefined) {
    if (event?.type !== "m.room.message") return nothing;
    return html`<span class="context ellipsis"
      >${room.displayName(event.sender)}: ${describeMessage(room, event)}</span
    >`;
  }

  #hit(hit: Hit, marks: readonly string[]) {
    const room = this.client.store.room(hit.roomId) ?? new Room(hit.roomId);
    const said = snippet(describeMessage(room, hit.event, LOOKED_AT), marks);
    const words = html`${said.map((part) => (part.mark ? html`<mark>${part.text}</mark>` : part.text))}`;
    const name = this.client.store.summary(hit.roomId)?.name ?? "";
    return html`<li>
      ${quotedMessage({
        room,
        event: hit.event,
        words: html`${this.#context(room, hit.before)}<span>${words}</span>${this.#context(room, hit.next)}`,
        ...(this.all && { note: html`<span class="note ellipsis">${name}</span>` }),
        onOpen: () => this.#open(hit),
      })}
    </li>`;
  }

  #told({ hits, busy, isWhole }: SearchState): string {
    if (busy && hits.length === 0) return msg("Searching…");
    if (hits.length === 0 && isWhole)
      return msg("Nothing was found. Try fewer words, or the beginning of one.");
    if (hits.length === 0) return "";
    const count = hits.length;
    if (!isWhole) return msg(str`${count} messages so far, the newest first`);
    return count === 1 ? msg("One message") : msg(str`${count} messages`);
  }

  #results() {
    const state = this.#search?.$state.get();
    if (this.#search === undefined || state === undefined) return nothing;
    if (this.#search.words.length === 0) {
      return html`<p class="state" role="status">${msg("Write a word that the message has.")}</p>`;
    }
    const { hits, marks, busy, isWhole, error } = state;
    return html`<p class="state" role="status">${this.#told(state)}</p>
      ${error === undefined ? nothing : html`<p class="problem" role="alert">${explain(error)}</p>`}
      <ul class="list scroll" aria-busy=${busy}>
        ${hits.map((hit) => this.#hit(hit, marks))}
        ${
          isWhole
            ? nothing
            : html`<li class="more">
                <button
                  type="button"
                  class="button small"
                  ?disabled=${busy}
                  @click=${() => void this.#search?.more()}
                >
                  ${busy ? msg("Searching…") : msg("Search further back")}
                </button>
              </li>`
        }
      </ul>`;
  }

  #where() {
    const choose = (all: boolean) => (): void => {
      this.all = all;
      if (this.field.value.trim() !== "") this.#start();
    };
    return html`<div class="where">
      <label class="choice"
        ><input type="radio" name="where" .checked=${!this.all} @change=${choose(false)} />
        ${msg("This room")}</label
      >
      <label class="choice"
        ><input type="radio" name="where" .checked=${this.all} @change=${choose(true)} />
        ${msg("All rooms")}</label
      >
      <button
        type="button"
        class="button small quiet"
        aria-expanded=${this.filtering}
        @click=${() => (this.filtering = !this.filtering)}
      >
        ${msg("Filters")}
      </button>
    </div>`;
  }

  override render() {
    const isEncrypted = this.room.encryption !== undefined;
    return html`<form role="search" @submit=${(event: Event) => this.#start(event)}>
        <div class="find">
          <input
            type="search"
            name="words"
            maxlength="200"
            autocomplete="off"
            placeholder=${msg("Words in a message")}
            aria-label=${msg("Words in a message")}
          />
          <button type="submit" class="button primary" aria-label=${msg("Search")}>
            ${icon("search")}
          </button>
        </div>
        ${this.#where()} ${this.filtering ? searchFilters(this.room, () => this.#start()) : nothing}
      </form>
      ${this.#search?.$state.get().lacksIndex ? html`<p class="state">${msg("This browser keeps no index: encrypted messages are not searched.")}</p>` : nothing}
      ${
        isEncrypted && !this.all && this.#search?.$state.get().lacksIndex !== true
          ? html`<weft-search-reach
              .client=${this.client}
              .room=${this.room}
              @further=${() => {
                if (this.#search !== undefined) this.#start();
              }}
            ></weft-search-reach>`
          : nothing
      }
      ${this.#results()}`;
  }
}
