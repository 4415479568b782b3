import { msg, str } from "@lit/localize";
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { isSpace } from "../store/room-features.ts";
import { hrefTo, hrefToRoom } from "../store/router.ts";
import { report } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { pageStyles, tabStyles } from "../styles/pages.ts";
import { icon } from "../elements/icon.ts";
import "../elements/room-settings/access.ts";
import "../elements/room-settings/addresses.ts";
import "../elements/room-settings/advanced.ts";
import "../elements/room-settings/bans.ts";
import "../elements/room-settings/general.ts";
import "../elements/room-settings/notifications.ts";
import "../elements/room-settings/pictures.ts";
import "../elements/room-settings/roles.ts";
import "../elements/room-settings/servers.ts";

/** All that can be set of a room or space, in sections with addresses of their own. */
@customElement("weft-room-settings")
export class WeftRoomSettings extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) roomId = "";
  @property() section = "general";

  constructor() {
    super();
    new Watch(this, () => [this.client?.store.$list]);
  }

  static override styles = [base, buttons, pageStyles, tabStyles];

  override willUpdate(): void {
    const room = this.client.store.room(this.roomId);
    // Whom a change concerns is known only with everyone in the room.
    if (room?.membership === "join" && !room.membersLoaded && !room.membersLoading)
      this.client.history.members(room).catch(report);
  }

  #sections(ofSpace: boolean): Record<string, [label: string, content: TemplateResult]> {
    const { client, roomId } = this;
    const sections: Record<string, [label: string, content: TemplateResult]> = {
      general: [
        msg("General"),
        html`<weft-room-general .client=${client} .roomId=${roomId}></weft-room-general>`,
      ],
      access: [
        msg("Access"),
        html`<weft-room-access .client=${client} .roomId=${roomId}></weft-room-access>`,
      ],
      roles: [
        msg("Roles"),
        html`<weft-room-roles .client=${client} .roomId=${roomId}></weft-room-roles>`,
      ],
      notifications: [
        msg("Notifications"),
        html`<weft-room-notifications
          .client=${client}
          .roomId=${roomId}
        ></weft-room-notifications>`,
      ],
      pictures: [
        msg("Emoji and stickers"),
        html`<weft-room-pictures .client=${client} .roomId=${roomId}></weft-room-pictures>`,
      ],
      addresses: [
        msg("Addresses"),
        html`<weft-room-addresses .client=${client} .roomId=${roomId}></weft-room-addresses>`,
      ],
      bans: [
        msg("Banned"),
        html`<weft-room-bans .client=${client} .roomId=${roomId}></weft-room-bans>`,
      ],
      servers: [
        msg("Servers"),
        html`<weft-room-servers .client=${client} .roomId=${roomId}></weft-room-servers>`,
      ],
      advanced: [
        msg("Advanced"),
        html`<weft-room-advanced .client=${client} .roomId=${roomId}></weft-room-advanced>`,
      ],
    };
    if (ofSpace) delete sections["notifications"];
    return sections;
  }

  #content(name: string, ofSpace: boolean) {
    const sections = this.#sections(ofSpace);
    const current = this.section in sections ? this.section : "general";
    return html`<nav aria-label=${msg(str`Settings of ${name}`)}>
        ${Object.entries(sections).map(
          ([section, [label]]) =>
            html`<a
              href=${hrefTo({ page: "room-settings", room: this.roomId, section })}
              aria-current=${section === current ? "page" : nothing}
              >${label}</a
            >`,
        )}
      </nav>
      ${keyed(this.roomId, sections[current]?.[1])}`;
  }

  override render() {
    const room = this.client.store.room(this.roomId);
    const summary = this.client.store.summary(this.roomId);
    const isIn = room?.membership === "join" && summary !== undefined;
    return html`<main class="page scroll">
      <header>
        <a
          class="icon-button"
          href=${hrefToRoom(this.roomId)}
          aria-label=${msg("Back to the conversation")}
        >
          ${icon("arrowLeft")}
        </a>
        <h1 class="ellipsis">
          ${isIn ? msg(str`Settings of ${summary.name}`) : msg("Room settings")}
        </h1>
      </header>
      <div class="content">
        ${isIn ? this.#content(summary.name, isSpace(room)) : html`<p>${msg("You are not in this room.")}</p>`}
      </div>
    </main>`;
  }
}
