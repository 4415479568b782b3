import { msg } from "@lit/localize";
import type { QueryParams } from "@weft/spec/types";
import { html, LitElement } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import {
  createRoomsAdmin,
  type ListedRoom,
  type RoomRow,
  type RoomStatus,
} from "../../api/admin/rooms.ts";
import type { Client } from "../../store/client.ts";
import type { AdminRoute } from "../../store/router.ts";
import { base, buttons } from "../../styles/shared.ts";
import { plainName } from "../../text/names.ts";
import { fileSize } from "../../text/time.ts";
import { count, hrefToAdminRoom, moment, tags, type Tag } from "../parts/facts.ts";
import "../parts/list.ts";
import type { WeftAdminList } from "../parts/list.ts";
import { byPlace, type Column, type Listing, type Wish } from "../parts/listing.ts";
import { adminStyles } from "../parts/styles.ts";
import "../background/under-way.ts";
import { roomActs } from "./acts.ts";

type Order = NonNullable<QueryParams<"listRooms">["order_by"]>;

export const roomName = (room: ListedRoom): string =>
  plainName(room.name) ?? plainName(room.canonical_alias) ?? room.room_id;

/** What a room is besides a room. */
export function marksOf(room: ListedRoom): (Tag | false)[] {
  return [
    room.room_type === "m.space" && [msg("Space"), "quiet"],
    room.encryption !== null && [msg("Encrypted")],
    room.public && [msg("In the directory"), "quiet"],
    !room.federatable && [msg("This server only"), "quiet"],
    room.joined_members === 0 && [msg("Empty"), "bad"],
  ];
}

/** A room's status in a word. */
export function statusName(status: RoomStatus): string {
  const names: Record<RoomStatus, string> = {
    open: msg("Open", { id: "Open (not closed)" }),
    archived: msg("Archived"),
    blocked: msg("Blocked"),
    shut_down: msg("Shut down"),
  };
  return names[status];
}

/** The status of a room that is not open. */
export const markOf = (status: RoomStatus): Tag | false =>
  status !== "open" && [statusName(status), "bad"];

/** What the filter "show" asks of the server. */
const SHOWN: Record<string, QueryParams<"listRooms">> = {
  all: {},
  public: { public_rooms: true },
  private: { public_rooms: false },
  used: { empty_rooms: false },
  empty: { empty_rooms: true },
  encrypted: { encrypted: true },
};

function columns(): Column<RoomRow>[] {
  return [
    {
      label: msg("Room"),
      order: "name",
      cell: (room) =>
        html`<a class="name" href=${hrefToAdminRoom(room.room_id)}>${roomName(room)}</a> <br /><span
            class="id"
            >${plainName(room.canonical_alias) ?? room.room_id}</span
          >`,
    },
    { label: msg("State"), cell: (room) => tags([markOf(room.status), ...marksOf(room)]) },
    {
      label: msg("People"),
      order: "joined_members",
      isNumber: true,
      cell: (room) => count(room.joined_members),
    },
    {
      label: msg("Of this server"),
      order: "joined_local_members",
      isNumber: true,
      cell: (room) => count(room.joined_local_members),
    },
    { label: msg("Version"), order: "version", isNumber: true, cell: (room) => room.version },
    {
      label: msg("Last activity"),
      order: "last_activity",
      isNumber: true,
      cell: (room) => moment(room.last_activity_ts),
    },
    {
      label: msg("Size"),
      order: "storage",
      isNumber: true,
      cell: (room) => fileSize(room.event_bytes + room.media_bytes),
    },
  ];
}

/** What is deleted shows above the list how far it is. */
const DELETIONS = { kinds: ["delete_room", "purge_history"] };

/** All rooms that the server is or was in. */
@customElement("weft-admin-rooms")
export class WeftAdminRooms extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;
  @query("weft-admin-list") private list!: WeftAdminList;

  static override styles = [base, buttons, adminStyles];

  async #load(wish: Wish, signal: AbortSignal) {
    const { rooms, total } = await createRoomsAdmin(this.client.api.http).list(
      {
        ...SHOWN[wish.filters["show"] ?? "all"],
        ...(wish.filters["status"] ? { status: wish.filters["status"] as RoomStatus } : {}),
        from: Number(wish.from ?? 0),
        limit: wish.limit,
        dir: wish.dir,
        order_by: (wish.order ?? "name") as Order,
        ...(wish.search === "" ? {} : { search_term: wish.search }),
      },
      signal,
    );
    return byPlace(wish, rooms, total);
  }

  #listing(): Listing<RoomRow> {
    return {
      label: msg("Rooms"),
      searchLabel: msg("Name or address"),
      empty: msg("No room matches."),
      order: "name",
      filters: [
        {
          name: "status",
          label: msg("Status"),
          options: [
            ["", msg("All")],
            ...(["open", "archived", "blocked", "shut_down"] as const).map(
              (status) => [status, statusName(status)] as const,
            ),
          ],
        },
        {
          name: "show",
          label: msg("Show"),
          options: [
            ["all", msg("All")],
            ["public", msg("In the directory")],
            ["private", msg("Not in the directory")],
            ["used", msg("With people in them")],
            ["empty", msg("Empty ones")],
            ["encrypted", msg("Encrypted ones")],
          ],
        },
      ],
      columns: columns(),
      keyOf: (room) => room.room_id,
      nameOf: roomName,
      menu: (room) => roomActs(this.client, room, room.status, () => void this.list.reload()),
      load: (wish, signal) => this.#load(wish, signal),
    };
  }

  override render() {
    return html`<div class="bar"><h2>${msg("Rooms")}</h2></div>
      <weft-admin-under-way
        .client=${this.client}
        .filter=${DELETIONS}
        @changed=${() => void this.list.reload()}
      ></weft-admin-under-way>
      <weft-admin-list .listing=${this.#listing()} .place=${this.place}></weft-admin-list>`;
  }
}
