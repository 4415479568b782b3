import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { PublicRoom } from "../api/types.ts";
import { serverOf } from "../store/actions.ts";
import type { Client } from "../store/client.ts";
import { hrefTo, navigate } from "../store/router.ts";
import { readSetting, writeSetting } from "../store/settings.ts";
import { attempt, report } from "../store/toasts.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { icon } from "../elements/icon.ts";
import "../elements/avatar.ts";
import { pageStyles } from "../styles/pages.ts";
import { plainName, plainText } from "../text/names.ts";

const KEY = "weft.directory-servers";

/** Other servers whose directories one has looked into, kept in this browser. */
function knownServers(): string[] {
  try {
    const kept: unknown = JSON.parse(readSetting(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one): one is string => typeof one === "string") : [];
  } catch {
    return [];
  }
}

/** Public rooms, of one's own server and of others. */
@customElement("weft-directory")
export class WeftDirectory extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private server = "";
  @state() private servers = knownServers();
  @state() private rooms: PublicRoom[] = [];
  @state() private next: string | undefined;
  @state() private busy = true;
  @state() private joining: string | undefined;
  @query("#term") private term!: HTMLInputElement;
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  static override styles = [
    base,
    buttons,
    forms,
    pageStyles,
    css`
      .tools {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: var(--space-2);
        margin-bottom: var(--space-4);
      }
      select {
        max-width: 220px;
      }
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr) auto;
        gap: 0 var(--space-3);
        align-items: center;
        padding: var(--space-3) 0;
        border-bottom: 1px solid var(--line);
      }
      h2 {
        margin: 0;
        font-size: 1em;
      }
      p {
        margin: 0;
        color: var(--muted);
        font-size: 0.9em;
      }
      .topic {
        display: -webkit-box;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 2;
        overflow: hidden;
      }
      .more {
        margin: var(--space-4) auto;
      }
    `,
  ];

  override firstUpdated(): void {
    void this.#load(true);
  }

  async #load(fresh: boolean): Promise<void> {
    const turn = ++this.#turn;
    this.busy = true;
    if (fresh) this.rooms = [];
    try {
      const { rooms } = this.client.api;
      const server = this.server === "" ? undefined : this.server;
      const page = await rooms.directory(
        server,
        this.term.value.trim(),
        fresh ? undefined : this.next,
      );
      if (turn !== this.#turn) return;
      this.rooms = [...this.rooms, ...page.chunk];
      this.next = page.next_batch;
    } catch (error) {
      if (turn === this.#turn) report(error);
    }
    if (turn === this.#turn) this.busy = false;
  }

  readonly #onTerm = (): void => {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#load(true), 300);
  };

  readonly #onServer = (event: Event): void => {
    const select = event.target as HTMLSelectElement;
    if (select.value !== "+") {
      this.server = select.value;
      void this.#load(true);
      return;
    }
    select.value = this.server;
    this.#adding = true;
    this.requestUpdate();
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector<HTMLInputElement>("#server")?.focus(),
    );
  };

  #adding = false;

  readonly #onAdd = (event: SubmitEvent): void => {
    event.preventDefault();
    const input = this.renderRoot.querySelector<HTMLInputElement>("#server")!;
    const server = input.value
      .trim()
      .replace(/^https?:\/\//, "")
      .replace(/\/.*$/, "");
    this.#adding = false;
    if (server !== "") {
      this.servers = [server, ...this.servers.filter((one) => one !== server)].slice(0, 10);
      writeSetting(KEY, JSON.stringify(this.servers));
      this.server = server;
      void this.#load(true);
    }
    this.requestUpdate();
  };

  async #join(room: PublicRoom): Promise<void> {
    const known = this.client.store.room(room.room_id);
    if (known?.membership === "join") {
      navigate({ page: "room", room: room.room_id, via: [] });
      return;
    }
    this.joining = room.room_id;
    const via = this.server === "" ? [] : [this.server];
    const target = room.canonical_alias ?? room.room_id;
    const roomId = await attempt(() => this.client.api.rooms.join(target, via));
    this.joining = undefined;
    if (roomId !== undefined) navigate({ page: "room", room: roomId, via: [] });
  }

  #room(room: PublicRoom) {
    const name = plainName(room.name) ?? plainName(room.canonical_alias) ?? room.room_id;
    const topic = plainName(room.topic);
    const inside = this.client.store.room(room.room_id)?.membership === "join";
    const people = room.num_joined_members;
    return html`<li>
      <weft-avatar
        seed=${room.room_id}
        name=${name}
        .mxc=${room.avatar_url}
        size="44"
      ></weft-avatar>
      <div>
        <h2 class="ellipsis">${name}</h2>
        ${topic ? html`<p class="topic">${topic}</p>` : nothing}
        <p class="ellipsis">
          ${people === 1 ? msg("1 person") : msg(str`${people} people`)}${
            room.canonical_alias ? ` · ${plainText(room.canonical_alias)}` : ""
          }
        </p>
      </div>
      <button
        type="button"
        class="button small"
        aria-label=${inside ? msg(str`Open ${name}`) : msg(str`Join ${name}`)}
        ?disabled=${this.joining !== undefined}
        @click=${() => void this.#join(room)}
      >
        ${inside ? msg("Open") : this.joining === room.room_id ? msg("Joining…") : msg("Join")}
      </button>
    </li>`;
  }

  #serverSelect() {
    const own = serverOf(this.client.session.userId);
    return html`<select aria-label=${msg("Server")} @change=${this.#onServer} .value=${this.server}>
      <option value="">${own}</option>
      ${this.servers.map(
        (server) =>
          html`<option value=${server} ?selected=${server === this.server}>${server}</option>`,
      )}
      <option value="+">${msg("Another server…")}</option>
    </select>`;
  }

  #addServer() {
    if (!this.#adding) return nothing;
    return html`<form class="tools" @submit=${this.#onAdd}>
      <input
        id="server"
        aria-label=${msg("Name of the other server")}
        placeholder="example.org"
        spellcheck="false"
      />
      <button type="submit" class="button primary">${msg("Look there")}</button>
    </form>`;
  }

  override render() {
    return html`<main class="page scroll">
      <header>
        <a
          class="icon-button back"
          href=${hrefTo({ page: "home" })}
          aria-label=${msg("Back to the rooms")}
        >
          ${icon("arrowLeft")}
        </a>
        <h1>${msg("Public rooms")}</h1>
      </header>
      <div class="content">
        <div class="tools">
          <input
            id="term"
            type="search"
            placeholder=${msg("Search")}
            aria-label=${msg("Search public rooms")}
            @input=${this.#onTerm}
          />
          ${this.#serverSelect()}
        </div>
        ${this.#addServer()}
        <ul aria-busy=${this.busy} aria-label=${msg("Public rooms")}>
          ${this.rooms.map((room) => this.#room(room))}
        </ul>
        <p role="status">
          ${this.busy ? msg("Looking…") : this.rooms.length === 0 ? msg("No public room was found there.") : ""}
        </p>
        ${
          this.next !== undefined && !this.busy
            ? html`<button type="button" class="button more" @click=${() => void this.#load(false)}>
                ${msg("More")}
              </button>`
            : nothing
        }
      </div>
    </main>`;
  }
}
