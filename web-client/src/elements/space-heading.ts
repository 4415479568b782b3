import { msg } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { canSend } from "../store/power.ts";
import { $route, hrefToRoom } from "../store/router.ts";
import { base, buttons } from "../styles/shared.ts";
import "./avatar.ts";
import "./menu.ts";
import type { MenuItem } from "./menu.ts";
import { roomMenuItems } from "./room-menu.ts";

/** What can be done with a space: what can be with any room, and adding to it. */
export function spaceMenuItems(client: Client, spaceId: string): MenuItem[] {
  const room = client.store.room(spaceId);
  if (room === undefined) return [];
  const adding: MenuItem[] = canSend(room, client.session.userId, "m.space.child", true)
    ? [
        {
          label: msg("Create a room in it"),
          icon: "hash",
          run: () => openDialog({ kind: "create-room", spaceId }),
        },
        {
          label: msg("Create a space in it"),
          icon: "grid",
          run: () => openDialog({ kind: "create-space", spaceId }),
        },
        {
          label: msg("Add rooms that exist"),
          icon: "plus",
          run: () => openDialog({ kind: "add-rooms", spaceId }),
        },
      ]
    : [];
  return [...adding, ...roomMenuItems(client, spaceId)];
}

/** The space whose rooms the list shows: its name leads to its page. */
@customElement("weft-space-heading")
export class WeftSpaceHeading extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property() spaceId = "";

  constructor() {
    super();
    new Watch(this, () => [this.client?.store.$list, $route]);
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: flex;
        align-items: center;
        gap: var(--space-1);
      }
      a {
        display: flex;
        flex: 1;
        align-items: center;
        gap: var(--space-3);
        min-width: 0;
        min-height: 46px;
        padding: 0 var(--space-2);
        border-radius: var(--radius);
        color: var(--text);
        text-decoration: none;
      }
      a:hover {
        background: var(--hover);
      }
      a[aria-current] {
        background: var(--accent-soft);
      }
      .about {
        display: grid;
        min-width: 0;
        line-height: 1.25;
      }
      .name {
        font-weight: 600;
      }
      .muted {
        color: var(--muted);
        font-size: 0.85em;
      }
    `,
  ];

  override render() {
    const summary = this.client.store.summary(this.spaceId);
    if (summary === undefined) return nothing;
    const route = $route.get();
    const isOpen = route.page === "room" && route.room === this.spaceId;
    return html`<a href=${hrefToRoom(this.spaceId)} aria-current=${isOpen ? "page" : nothing}>
        <weft-avatar
          seed=${this.spaceId}
          name=${summary.name}
          .mxc=${summary.avatarUrl}
          size="32"
        ></weft-avatar>
        <span class="about">
          <span class="ellipsis name">${summary.name}</span>
          <span class="ellipsis muted">${msg("Overview of the space")}</span>
        </span>
      </a>
      <weft-menu
        label=${msg("Space menu")}
        .items=${spaceMenuItems(this.client, this.spaceId)}
      ></weft-menu>`;
  }
}
