import { msg } from "@lit/localize";
import type { ResponseBody } from "@weft/spec/types";
import { html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { createRoomsAdmin, type RoomDetails } from "../../api/admin/rooms.ts";
import type { Client } from "../../store/client.ts";
import { type AdminRoute, hrefTo } from "../../store/router.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { plainName } from "../../text/names.ts";
import { fileSize } from "../../text/time.ts";
import "../background/under-way.ts";
import {
  actButtons,
  backTo,
  count,
  facts,
  hrefToAdminRoom,
  hrefToUser,
  tabs,
  tags,
} from "../parts/facts.ts";
import {
  type History,
  historyName,
  type Rule,
  ruleName,
} from "../../elements/room-settings/access-names.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";
import { roomActs } from "./acts.ts";
import "./deletion.ts";
import "./members.ts";
import { markOf, marksOf, roomName, statusName } from "./rooms.ts";
import "./state.ts";

/** What a room says in words, if it says anything. */
const named = (said: string | null, nameOf: (said: string) => string): string | undefined =>
  said === null ? undefined : nameOf(said);

interface Known {
  readonly room: RoomDetails;
  readonly status: ResponseBody<"getRoomStatus">;
  readonly storage: ResponseBody<"getRoomStorage">;
}

/** One room: what it is, who is in it, its state, and what can be done. */
@customElement("weft-admin-room")
export class WeftAdminRoom extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;
  @property() roomId = "";
  readonly #known = new Loaded<Known>(this, async (signal) => {
    const rooms = createRoomsAdmin(this.client.api.http);
    const [room, status, storage] = await Promise.all([
      rooms.get(this.roomId, signal),
      rooms.status(this.roomId, signal),
      rooms.storage(this.roomId, signal),
    ]);
    return { room, status, storage };
  });

  static override styles = [base, buttons, forms, adminStyles];

  override firstUpdated(): void {
    void this.#known.load();
  }

  #overview({ room, status, storage }: Known) {
    const acts = roomActs(this.client, room, status.status, () => void this.#known.load());
    const sized = ({ count: many, bytes }: { count: number; bytes: number }) =>
      `${count(many)} · ${fileSize(bytes)}`;
    return html`${actButtons(acts)}
    ${facts([
      [msg("Status"), statusName(status.status)],
      [msg("Closed by"), status.by],
      [msg("Why"), plainName(status.reason)],
      [msg("Address"), plainName(room.canonical_alias)],
      [msg("Topic"), plainName(room.topic)],
      [msg("People"), count(room.joined_members)],
      [msg("Of this server"), count(room.joined_local_members)],
      [msg("Version"), room.version],
      [
        msg("Made by"),
        room.creator === null
          ? undefined
          : html`<a href=${hrefToUser(room.creator)}>${room.creator}</a>`,
      ],
      [msg("Who may enter"), named(room.join_rules, (rule) => ruleName(rule as Rule)[0])],
      [
        msg("Who may read what was before"),
        named(room.history_visibility, (history) => historyName(history as History)),
      ],
      [msg("Encryption"), room.encryption ?? msg("None")],
      [msg("State events"), count(room.state_events)],
      [msg("Events"), sized(storage.events)],
      [msg("Uploads of this server’s users"), sized(storage.uploads)],
      [msg("Copies of other servers’ files"), sized(storage.copies)],
      [
        msg("Replaced by"),
        room.replacement_room === null
          ? undefined
          : html`<a href=${hrefToAdminRoom(room.replacement_room)}>${room.replacement_room}</a>`,
      ],
    ])}`;
  }

  #gone() {
    return html`<div class="bar">
        ${backTo("rooms", msg("All rooms"))}
        <div class="who">
          <span>
            <h2>${msg("Deletion")}</h2>
            <span class="id">${this.roomId}</span>
          </span>
        </div>
      </div>
      <p class="hint">
        ${msg("This server does not know such a room, or does not know it any more.")}
      </p>
      <weft-admin-deletion .client=${this.client} roomId=${this.roomId}></weft-admin-deletion>`;
  }

  /** A deletion that somebody has begun, here or elsewhere. */
  #underWay() {
    return html`<weft-admin-under-way
      .client=${this.client}
      .filter=${{ roomId: this.roomId }}
      @changed=${() => void this.#known.load()}
    ></weft-admin-under-way>`;
  }

  #tab(name: string, known: Known) {
    switch (name) {
      case "people":
        return html`<weft-admin-members
          .client=${this.client}
          .place=${this.place}
          roomId=${this.roomId}
        ></weft-admin-members>`;
      case "state":
        return html`<weft-admin-state
          .client=${this.client}
          roomId=${this.roomId}
        ></weft-admin-state>`;
      case "deletion":
        return html`<weft-admin-deletion
          .client=${this.client}
          roomId=${this.roomId}
        ></weft-admin-deletion>`;
      default:
        return this.#overview(known);
    }
  }

  override render() {
    const path = ["rooms", this.roomId];
    const [, , tab = ""] = this.place.path;
    // A room that is deleted is known no more; how far that is, is.
    if (this.#known.isGone) return this.#gone();
    const current = hrefTo({ page: "admin", path: tab === "" ? path : [...path, tab] });
    const all = [
      [path, msg("Overview")],
      [[...path, "people"], msg("People")],
      [[...path, "state"], msg("State")],
      [[...path, "deletion"], msg("Deletion")],
    ] as const;
    return this.#known.show((known: Known) => {
      const { room } = known;
      const name = roomName(room);
      return html`<div class="bar">
          ${backTo("rooms", msg("All rooms"))}
          <weft-avatar
            seed=${room.room_id}
            name=${name}
            .mxc=${room.avatar ?? undefined}
            size="48"
          ></weft-avatar>
          <div class="who">
            <span>
              <h2 class="ellipsis">${name}</h2>
              <span class="id">${room.room_id}</span>
            </span>
          </div>
          ${tags([markOf(known.status.status), ...marksOf(room)])}
        </div>
        ${tab === "deletion" ? nothing : this.#underWay()} ${tabs(name, all, current)}
        ${this.#tab(tab, known)}`;
    });
  }
}
