import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { text } from "../api/types.ts";
import { viaServers } from "../store/actions.ts";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { powerFor, powerOf } from "../store/power.ts";
import type { Room } from "../store/room.ts";
import { hrefTo, navigate } from "../store/router.ts";
import { attempt, toast } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { matrixTo } from "../text/links.ts";
import "./encryption/room-lock.ts";
import { icon } from "./icon.ts";
import "./avatar.ts";
import "./menu.ts";
import type { MenuItem } from "./menu.ts";
import { plainName } from "../text/names.ts";

/** The room's name, topic and what can be done with it as a whole. */
@customElement("weft-room-header")
export class WeftRoomHeader extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  /** Whether the list of people is open. */
  @property({ type: Boolean }) people = false;

  constructor() {
    super();
    new Watch(this, () => [this.client?.store.$list, this.room?.signals.$state]);
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

  #favourite(on: boolean): void {
    void attempt(() => this.client.api.account.setRoomTag(this.room.roomId, "m.favourite", on));
  }

  #leave(name: string): void {
    const { client, room } = this;
    openDialog({
      kind: "confirm",
      heading: msg(str`Leave ${name}?`),
      text: msg("You no longer get its messages. To come back you may need a new invitation."),
      action: msg("Leave"),
      danger: true,
      run: async () => {
        await client.api.rooms.leave(room.roomId);
        await client.api.rooms.forget(room.roomId).catch(() => undefined);
        client.store.forget(room.roomId);
        navigate({ page: "home" });
      },
    });
  }

  #menu(name: string, favourite: boolean): MenuItem[] {
    const { room } = this;
    const me = this.client.session.userId;
    const items: MenuItem[] = [];
    if (powerOf(room, me) >= powerFor(room, "invite")) {
      items.push({
        label: msg("Invite people"),
        icon: "userPlus",
        run: () => openDialog({ kind: "invite", roomId: room.roomId }),
      });
    }
    items.push(
      {
        label: favourite ? msg("No longer a favourite") : msg("Make it a favourite"),
        icon: "star",
        run: () => this.#favourite(!favourite),
      },
      {
        label: msg("Copy link"),
        icon: "link",
        run: () =>
          void attempt(async () => {
            const alias = text(room.stateEvent("m.room.canonical_alias")?.content, "alias");
            await navigator.clipboard.writeText(
              alias ? matrixTo(alias) : matrixTo(room.roomId, viaServers(room)),
            );
            toast(msg("Link copied."));
          }),
      },
      {
        label: msg("Room settings"),
        icon: "settings",
        run: () => openDialog({ kind: "room-settings", roomId: room.roomId }),
      },
      { label: msg("Leave"), icon: "leave", danger: true, run: () => this.#leave(name) },
    );
    return items;
  }

  override render() {
    const summary = this.client.store.summary(this.room.roomId);
    const name = summary?.name ?? "";
    const topic = plainName(text(this.room.stateEvent("m.room.topic")?.content, "topic"));
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
        .mxc=${summary?.avatarUrl}
        .presence=${summary?.partner}
        size="38"
      ></weft-avatar>
      <div class="title">
        <h1 class="ellipsis">${name}</h1>
        ${topic ? html`<p class="ellipsis" title=${topic}>${topic}</p>` : nothing}
      </div>
      <weft-room-lock .client=${this.client} .room=${this.room}></weft-room-lock>
      <button
        type="button"
        class="icon-button people"
        aria-pressed=${this.people}
        aria-label=${msg(str`People, ${count}`)}
        title=${msg("People")}
        @click=${() => this.dispatchEvent(new CustomEvent("people"))}
      >
        ${icon("users")}<span aria-hidden="true">${count}</span>
      </button>
      <weft-menu
        label=${msg("Room menu")}
        .items=${this.#menu(name, summary?.favourite ?? false)}
      ></weft-menu>
    </header>`;
  }
}
