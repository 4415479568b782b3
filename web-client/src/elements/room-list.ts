import { msg, str } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { $listPlace } from "../store/list-place.ts";
import type { RoomSummary } from "../store/room-store.ts";
import { isUnread, sectionsOf, type RoomFilter, type RoomSection } from "../store/room-sections.ts";
import { moveRoom, setTag } from "../store/room-order.ts";
import { $route, hrefTo, hrefToRoom } from "../store/router.ts";
import { readSetting, writeSetting } from "../store/settings.ts";
import { readSpaces } from "../store/spaces.ts";
import { attempt } from "../store/toasts.ts";
import { roomListStyles } from "../styles/room-list.ts";
import { base, buttons } from "../styles/shared.ts";
import { icon } from "./icon.ts";
import "./menu.ts";
import type { WeftMenu } from "./menu.ts";
import { roomMenuItems } from "./room-menu.ts";
import "./room-link.ts";
import "./space-heading.ts";

/** How many rooms are drawn before one scrolls for more. */
const PAGE = 60;
const KEY = "weft.list-sections";
const DRAGGED = "application/x-weft-room";

/** Sections that were opened or closed, against what they are by themselves. */
function toggledSections(): Set<string> {
  return new Set((readSetting(KEY) ?? "").split(" ").filter((one) => one !== ""));
}

/** The rooms of the chosen place in their sections, with a menu for each, in an order that can be made by hand. */
@customElement("weft-room-list")
export class WeftRoomList extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property() search = "";
  @property() filter: RoomFilter = "all";
  @state() private limit = PAGE;
  @state() private toggled = toggledSections();
  @state() private menuRoom = "";
  @state() private said = "";
  /** The room before which what is dragged would come to stand. */
  @state() private over = "";
  @query("weft-menu") private menu!: WeftMenu;
  #shown: RoomSection[] = [];
  #stays: string | undefined;
  #open: string | undefined;

  constructor() {
    super();
    new Watch(this, () => [
      this.client?.store.$list,
      $route,
      $listPlace,
      this.client?.sync.$hasAll,
    ]);
  }

  static override styles = [base, buttons, roomListStyles];

  focusFirst(): void {
    this.renderRoot.querySelector<HTMLElement>("weft-room-link")?.focus();
  }

  openFirst(): void {
    this.renderRoot
      .querySelector<HTMLElement>("weft-room-link")
      ?.shadowRoot?.querySelector("a")
      ?.click();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    const route = $route.get();
    const open = route.page === "room" ? route.room : undefined;
    if (changed.has("filter")) this.#stays = undefined;
    if (changed.has("filter") || changed.has("search")) this.limit = PAGE;
    // A room that is opened out of a filtered list is read at once, and stays in sight all the same.
    const wasShown = this.#shown.some(({ rooms }) => rooms.some(({ roomId }) => roomId === open));
    if (open !== this.#open) this.#stays = wasShown ? open : undefined;
    this.#open = open;
    const { store } = this.client;
    this.#shown = sectionsOf(store.$list.get(), readSpaces(store), {
      place: $listPlace.get(),
      filter: this.filter,
      search: this.search,
      stays: this.#stays,
    });
  }

  readonly #onScroll = (event: Event): void => {
    const box = event.target as HTMLElement;
    if (box.scrollTop + box.clientHeight > box.scrollHeight - 600) this.limit += PAGE;
  };

  #links(): HTMLElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLElement>("weft-room-link")];
  }

  /** Arrows move between the rooms, as in any list; with Alt and Shift they move the room. */
  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const by = event.key === "ArrowDown" ? 1 : -1;
    const links = this.#links();
    const at = links.findIndex((link) => link.matches(":focus-within"));
    if (event.altKey && event.shiftKey) {
      event.preventDefault();
      event.stopPropagation();
      const roomId = links[at]?.dataset["room"];
      if (roomId !== undefined) void this.#move(roomId, by);
      return;
    }
    if (event.altKey) return;
    event.preventDefault();
    const next = links[at + by];
    if (next !== undefined) next.focus();
    else if (by < 0) this.dispatchEvent(new CustomEvent("leave-top"));
  };

  #placeOf(roomId: string): { section: RoomSection; at: number } | undefined {
    for (const section of this.#shown) {
      const at = section.rooms.findIndex((room) => room.roomId === roomId);
      if (at >= 0) return { section, at };
    }
    return undefined;
  }

  async #move(roomId: string, by: 1 | -1): Promise<void> {
    const place = this.#placeOf(roomId);
    const tag = place?.section.tag;
    if (place === undefined || tag === undefined) {
      this.said = msg("Only favourites and rooms of low priority can be put in order.");
      return;
    }
    const { rooms } = place.section;
    const to = place.at + by;
    if (to < 0 || to >= rooms.length) return;
    await attempt(() => moveRoom(this.client, tag, rooms, place.at, to));
    this.said = msg(str`Place ${to + 1} of ${rooms.length}`);
    await this.updateComplete;
    this.#links()
      .find((link) => link.dataset["room"] === roomId)
      ?.focus();
  }

  readonly #onMenu = (event: CustomEvent<{ roomId: string; anchor: HTMLElement }>): void => {
    event.preventDefault();
    this.menuRoom = event.detail.roomId;
    void this.updateComplete.then(() => this.menu.openAt(event.detail.anchor));
  };

  #items() {
    const items = roomMenuItems(this.client, this.menuRoom);
    const place = this.#placeOf(this.menuRoom);
    if (place?.section.tag === undefined) return items;
    const { at, section } = place;
    const move = (by: 1 | -1) => () => void this.#move(this.menuRoom, by);
    if (at > 0) items.splice(-2, 0, { label: msg("Move up"), icon: "arrowUp", run: move(-1) });
    if (at < section.rooms.length - 1) {
      items.splice(-2, 0, { label: msg("Move down"), icon: "arrowDown", run: move(1) });
    }
    return items;
  }

  readonly #onDragStart = (event: DragEvent): void => {
    const roomId = (event.currentTarget as HTMLElement).dataset["room"];
    if (roomId === undefined || this.#placeOf(roomId)?.section.key === "invites") return;
    event.dataTransfer?.setData(DRAGGED, roomId);
  };

  readonly #onDragOver = (event: DragEvent): void => {
    if (event.dataTransfer?.types.includes(DRAGGED) !== true) return;
    event.preventDefault();
    this.over = (event.currentTarget as HTMLElement).dataset["room"] ?? "";
  };

  /** Before the room that it is dropped on; among others than its own, it gets their tag first. */
  async #drop(roomId: string, section: RoomSection, before: string | undefined): Promise<void> {
    const { client } = this;
    await setTag(client, roomId, section.tag);
    if (section.tag === undefined) return;
    const dragged = client.store.summary(roomId);
    const rest = section.rooms.filter((room) => room.roomId !== roomId);
    const own = section.rooms.findIndex((room) => room.roomId === roomId);
    const rooms = own >= 0 ? section.rooms : [...rest, ...(dragged === undefined ? [] : [dragged])];
    const to = rest.findIndex((room) => room.roomId === before);
    const from = own >= 0 ? own : rooms.length - 1;
    await moveRoom(client, section.tag, rooms, from, to < 0 ? rest.length : to);
  }

  #onDrop(event: DragEvent, section: RoomSection, before?: string): void {
    const roomId = event.dataTransfer?.getData(DRAGGED) ?? "";
    this.over = "";
    if (roomId === "" || roomId === before) return;
    event.preventDefault();
    event.stopPropagation();
    void attempt(() => this.#drop(roomId, section, before));
  }

  #isClosed({ key, closed = false }: RoomSection): boolean {
    if (this.search !== "" || this.filter !== "all") return false;
    return this.toggled.has(key) ? !closed : closed;
  }

  #toggle(key: string): void {
    const next = new Set(this.toggled);
    if (!next.delete(key)) next.add(key);
    this.toggled = next;
    writeSetting(KEY, [...next].slice(-100).join(" "));
  }

  #heading(section: RoomSection, isClosed: boolean) {
    const { heading, key, rooms } = section;
    const unread = isClosed ? rooms.filter(isUnread).length : 0;
    return html`<h2 style="--depth:${Math.min(section.depth ?? 0, 4)}">
      <button type="button" aria-expanded=${!isClosed} @click=${() => this.#toggle(key)}>
        ${icon(isClosed ? "chevronRight" : "chevronDown")}<span class="ellipsis">${heading}</span>
        ${isClosed ? html`<span class="size">${rooms.length}</span>` : nothing}
        ${
          unread > 0
            ? html`<span class="dot"></span
                ><span class="hidden-label">${msg(str`${unread} with something new`)}</span>`
            : nothing
        }
      </button>
      ${
        section.spaceId !== undefined && (section.depth ?? 0) > 0
          ? html`<a
              class="icon-button"
              href=${hrefToRoom(section.spaceId)}
              aria-label=${msg(str`Overview of ${heading}`)}
              title=${msg("Overview")}
              >${icon("grid")}</a
            >`
          : nothing
      }
    </h2>`;
  }

  #line(room: RoomSummary, section: RoomSection) {
    return html`<li
      data-room=${room.roomId}
      class=${this.over === room.roomId ? "over" : ""}
      draggable="true"
      @dragstart=${this.#onDragStart}
      @dragover=${this.#onDragOver}
      @drop=${(event: DragEvent) => this.#onDrop(event, section, room.roomId)}
    >
      <weft-room-link
        data-room=${room.roomId}
        .room=${room}
        ?current=${room.roomId === this.#open}
      ></weft-room-link>
    </li>`;
  }

  #section(section: RoomSection, limit: number) {
    const isClosed = this.#isClosed(section);
    const rooms = isClosed ? [] : section.rooms.slice(0, limit);
    const isAlone = this.#shown.length === 1 && section.key === "rooms";
    return html`${isAlone ? html`<h2 class="hidden-label">${section.heading}</h2>` : this.#heading(section, isClosed)}
      <ul
        aria-label=${section.heading}
        @dragover=${this.#onDragOver}
        @drop=${(event: DragEvent) => this.#onDrop(event, section)}
      >
        ${repeat(
          rooms,
          ({ roomId }) => roomId,
          (room) => this.#line(room, section),
        )}
      </ul>`;
  }

  #empty() {
    if (!this.client.sync.$hasAll.get()) {
      return html`<p class="empty">${msg("Fetching your rooms…")}</p>`;
    }
    if (this.search !== "") return html`<p class="empty">${msg("No room matches.")}</p>`;
    if (this.filter === "unread") {
      return html`<p class="empty">${msg("You have read everything.")}</p>`;
    }
    if (this.filter === "mentions") {
      return html`<p class="empty">${msg("Nobody mentioned you.")}</p>`;
    }
    const place = $listPlace.get();
    if (place === "people") {
      return html`<p class="empty">${msg("No direct chats yet.")}</p>`;
    }
    if (place !== "home") {
      return html`<p class="empty">${msg("You are in none of this space’s rooms yet.")}</p>`;
    }
    return html`<div class="empty">
      <p>${msg("No rooms yet. Write to someone, or look around.")}</p>
      <a class="button" href=${hrefTo({ page: "directory" })}
        >${icon("compass")} ${msg("Explore public rooms")}</a
      >
    </div>`;
  }

  #sections() {
    let left = this.limit;
    return this.#shown.map((section) => {
      if (left <= 0) return nothing;
      const drawn = this.#section(section, left);
      if (!this.#isClosed(section)) left -= section.rooms.length;
      return drawn;
    });
  }

  override render() {
    const place = $listPlace.get();
    const isSpace = place.startsWith("!") && this.search === "";
    return html`<div
        class="list scroll"
        @scroll=${this.#onScroll}
        @keydown=${this.#onKey}
        @room-menu=${this.#onMenu}
        @dragend=${() => (this.over = "")}
      >
        ${
          isSpace
            ? html`<weft-space-heading
                .client=${this.client}
                spaceId=${place}
              ></weft-space-heading>`
            : nothing
        }
        ${this.#sections()} ${this.#shown.length === 0 ? this.#empty() : nothing}
      </div>
      <weft-menu bare label=${msg("Room")} .items=${this.#items()}></weft-menu>
      <p class="hidden-label" role="status">${this.said}</p>`;
  }
}
