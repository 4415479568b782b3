import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { text } from "../api/types.ts";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { openPanel, type Panel } from "../store/panel.ts";
import { pinned } from "../store/pins.ts";
import type { Room } from "../store/room.ts";
import { isSpace } from "../store/room-features.ts";
import { roomAvatar, roomName } from "../store/room-name.ts";
import { hrefTo } from "../store/router.ts";
import { base, buttons } from "../styles/shared.ts";
import "./encryption/room-lock.ts";
import { icon } from "./icon.ts";
import "./avatar.ts";
import "./menu.ts";
import type { MenuItem } from "./menu.ts";
import { presenceLine } from "./presence-line.ts";
import { roomMenuItems } from "./room-menu.ts";
import { plainName } from "../text/names.ts";

/** The room's name, topic and what can be done with it as a whole. */
@customElement("weft-room-header")
export class WeftRoomHeader extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  /** What stands beside the conversation. */
  @property({ attribute: false }) panel: Panel | undefined;

  constructor() {
    super();
    new Watch(this, () => [
      this.client?.store.$list,
      this.room?.signals.$state,
      this.#partner === undefined ? undefined : this.client.store.presence.$of(this.#partner),
    ]);
  }

  static override styles = [
    base,
    buttons,
    css`
      header {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        height: var(--bar);
        padding: 0 var(--space-3) 0 var(--space-5);
        border-bottom: 1px solid var(--line);
      }
      .title {
        flex: 1;
        min-width: 0;
        line-height: 1.3;
      }
      h1 {
        margin: 0;
        font-size: 1.05em;
      }
      p {
        margin: 0;
        color: var(--muted);
        font-size: 0.87em;
      }
      .back {
        display: none;
      }
      .people {
        width: auto;
        padding: 0 var(--space-2);
        grid-auto-flow: column;
        gap: 6px;
      }
      .unread {
        color: var(--accent);
        font-weight: 600;
      }
      @media (max-width: 480px) {
        .wide {
          display: none;
        }
      }
      @media (max-width: 719px) {
        header {
          padding: 0 var(--space-1);
        }
        .back {
          display: inline-grid;
        }
      }
    `,
  ];

  /** The way to the threads, while something in them is unread. */
  #threads() {
    let unread = 0;
    for (const { notifications } of this.room.threadCounts.values()) unread += notifications;
    if (unread === 0) return nothing;
    return html`<button
      type="button"
      class="icon-button people unread"
      aria-label=${msg(str`Threads, ${unread} unread`)}
      title=${msg("Threads")}
      @click=${(event: Event) => openPanel(event.currentTarget!, { kind: "room", tab: "threads" })}
    >
      ${icon("thread")}<span aria-hidden="true">${unread}</span>
    </button>`;
  }

  #search() {
    if (isSpace(this.room)) return nothing;
    return html`<button
      type="button"
      class="icon-button wide"
      aria-pressed=${this.panel?.kind === "search"}
      aria-label=${msg("Search in this room")}
      title=${msg("Search in this room")}
      @click=${(event: Event) => openPanel(event.currentTarget!, { kind: "search", everywhere: false })}
    >
      ${icon("search")}
    </button>`;
  }

  /** The ways into what stands beside a conversation. A space has none. */
  #ways(): MenuItem[] {
    if (isSpace(this.room)) return [];
    const open = (panel: Panel) => (): void => openPanel(this, panel);
    const pins = pinned(this.room).length;
    return [
      {
        label: msg("About this room"),
        icon: "info",
        run: open({ kind: "room", tab: "about" }),
      },
      {
        label: msg("Search in this room"),
        icon: "search",
        run: open({ kind: "search", everywhere: false }),
      },
      { label: msg("Threads"), icon: "thread", run: open({ kind: "room", tab: "threads" }) },
      {
        label: pins === 0 ? msg("Pinned messages") : msg(str`Pinned messages: ${pins}`),
        icon: "pin",
        run: open({ kind: "room", tab: "pins" }),
      },
      {
        label: msg("Go to a date"),
        icon: "calendar",
        run: () => openDialog({ kind: "go-to-date", roomId: this.room.roomId }),
      },
    ];
  }

  /** The other of a direct chat. */
  get #partner(): string | undefined {
    return this.room && this.client?.store.summary(this.room.roomId)?.partner;
  }

  override render() {
    const summary = this.client.store.summary(this.room.roomId);
    // A room that is only looked at is in no list.
    const name = summary?.name ?? roomName(this.room, this.client.session.userId);
    const items = [...this.#ways(), ...roomMenuItems(this.client, this.room.roomId)];
    const topic = plainName(text(this.room.stateEvent("m.room.topic")?.content, "topic"));
    // In a direct chat it matters whether the other is there; topics are rare in them.
    const partner = this.#partner;
    const below = topic || (partner && presenceLine(this.client.store.presence.of(partner)));
    const count = this.room.joinedCount ?? this.room.members("join").length;
    return html`<header>
      <a
        class="icon-button back"
        href=${hrefTo({ page: "home" })}
        aria-label=${msg("Back to the rooms")}
      >
        ${icon("arrowLeft")}
      </a>
      <weft-avatar
        seed=${summary?.partner ?? this.room.roomId}
        name=${name}
        .mxc=${summary?.avatarUrl ?? roomAvatar(this.room, undefined)}
        .presence=${summary?.partner}
        size="38"
      ></weft-avatar>
      <div class="title">
        <h1 class="ellipsis">${name}</h1>
        ${below ? html`<p class="ellipsis" title=${below}>${below}</p>` : nothing}
      </div>
      ${
        isSpace(this.room)
          ? nothing
          : html`<weft-room-lock .client=${this.client} .room=${this.room}></weft-room-lock>`
      }
      ${this.#threads()} ${this.#search()}
      <button
        type="button"
        class="icon-button people"
        aria-pressed=${this.panel?.kind === "room"}
        aria-label=${msg(str`People, ${count}`)}
        title=${msg("People")}
        @click=${(event: Event) => openPanel(event.currentTarget!, { kind: "room", tab: "people" })}
      >
        ${icon("users")}<span aria-hidden="true">${count}</span>
      </button>
      ${items.length === 0 ? nothing : html`<weft-menu label=${msg("Room menu")} .items=${items}></weft-menu>`}
    </header>`;
  }
}
