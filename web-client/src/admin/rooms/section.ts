import { html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Client } from "../../store/client.ts";
import type { AdminRoute } from "../../store/router.ts";
import { report } from "../../store/toasts.ts";
import "./rooms.ts";

/** Rooms: all of them, or one of them. */
@customElement("weft-admin-rooms-section")
export class WeftAdminRoomsSection extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;

  override render() {
    const [, roomId] = this.place.path;
    if (roomId === undefined)
      return html`<weft-admin-rooms
        .client=${this.client}
        .place=${this.place}
      ></weft-admin-rooms>`;
    import("./room.ts").catch(report);
    return html`<weft-admin-room
      .client=${this.client}
      .place=${this.place}
      roomId=${roomId}
    ></weft-admin-room>`;
  }
}
