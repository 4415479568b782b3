import { msg } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { localName } from "../store/room.ts";
import type { RoomSummary } from "../store/room-store.ts";
import { $route, hrefTo, navigate } from "../store/router.ts";
import { $theme, setTheme } from "../store/theme.ts";
import { report } from "../store/toasts.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { sidebarStyles } from "../styles/sidebar.ts";
import { icon } from "./icon.ts";
import "./avatar.ts";
import "./menu.ts";
import "./room-link.ts";
import { plainName } from "../text/names.ts";

type Filter = "all" | "unread" | "people" | "rooms";

/** How many rooms are drawn before one scrolls for more. */
const PAGE = 60;

function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** All rooms: invitations first, favourites next, the rest by activity; with a search and the main menus. */
@customElement("weft-sidebar")
export class WeftSidebar extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private search = "";
  @state() private filter: Filter = "all";
  @state() private limit = PAGE;
  @state() private name: string | undefined;
  @state() private avatar: string | undefined;
  @query("input[type=search]") private searchInput!: HTMLInputElement;

  constructor() {
    super();
    new Watch(this, () => [
      this.client?.store.$list,
      $route,
      this.client?.sync.$status,
      this.client?.encryption.$status,
    ]);
  }

  static override styles = [base, buttons, forms, sidebarStyles];

  focusSearch(): void {
    this.searchInput.focus();
    this.searchInput.select();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("weft-profile", this.#loadProfile);
  }

  override disconnectedCallback(): void {
    window.removeEventListener("weft-profile", this.#loadProfile);
    super.disconnectedCallback();
  }

  override firstUpdated(): void {
    this.#loadProfile();
  }

  readonly #loadProfile = (): void => {
    this.client.api.account.profile().then(
      (profile) => {
        this.name = plainName(profile.displayname);
        this.avatar = profile.avatar_url;
      },
      () => undefined,
    );
  };

  #menu() {
    return [
      {
        label: msg("Settings"),
        icon: "settings" as const,
        run: () => navigate({ page: "settings", section: "profile" }),
      },
      {
        label: msg("Switch light and dark"),
        icon: "theme" as const,
        run: () => {
          const dark =
            $theme.get() === "system"
              ? matchMedia("(prefers-color-scheme: dark)").matches
              : $theme.get() === "dark";
          setTheme(dark ? "light" : "dark");
        },
      },
      {
        label: msg("Sign out"),
        icon: "logOut" as const,
        run: () => openDialog({ kind: "sign-out" }),
      },
    ];
  }

  #newMenu() {
    return [
      {
        label: msg("Write to someone"),
        icon: "message" as const,
        run: () => openDialog({ kind: "start-direct" }),
      },
      {
        label: msg("Create a room"),
        icon: "hash" as const,
        run: () => openDialog({ kind: "create-room" }),
      },
      {
        label: msg("Join by address"),
        icon: "link" as const,
        run: () => openDialog({ kind: "join" }),
      },
      {
        label: msg("Explore public rooms"),
        icon: "compass" as const,
        run: () => navigate({ page: "directory" }),
      },
    ];
  }

  #matches(room: RoomSummary): boolean {
    if (room.isSpace && room.membership === "join") return false;
    if (this.search !== "" && !fold(room.name).includes(fold(this.search))) return false;
    if (this.filter === "unread") return room.unread > 0;
    if (this.filter === "people") return room.partner !== undefined;
    if (this.filter === "rooms") return room.partner === undefined;
    return true;
  }

  readonly #onScroll = (event: Event): void => {
    const box = event.target as HTMLElement;
    if (box.scrollTop + box.clientHeight > box.scrollHeight - 600) this.limit += PAGE;
  };

  /** Arrows move between the rooms, as in any list. */
  readonly #onListKey = (event: KeyboardEvent): void => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const links = [...this.renderRoot.querySelectorAll<HTMLElement>("weft-room-link")];
    const at = links.findIndex(
      (link) => link.matches(":focus-within") || link === this.shadowRoot?.activeElement,
    );
    const next = links[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (event.altKey) return;
    event.preventDefault();
    if (next === undefined && event.key === "ArrowUp") this.searchInput.focus();
    else next?.focus();
  };

  readonly #onSearchKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") {
      this.search = "";
    } else if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      const first = this.renderRoot.querySelector<HTMLElement>("weft-room-link");
      if (event.key === "Enter") first?.shadowRoot?.querySelector("a")?.click();
      else first?.focus();
    }
  };

  #header() {
    const { userId } = this.client.session;
    const name = this.name || localName(userId);
    return html`<header>
      <weft-menu label=${msg("Your account")} .items=${this.#menu()}>
        <span class="me">
          <weft-avatar seed=${userId} name=${name} .mxc=${this.avatar} size="34"></weft-avatar>
          <span class="who">
            <span class="ellipsis name">${name}</span>
            <span class="ellipsis id">${userId}</span>
          </span>
        </span>
      </weft-menu>
      <weft-menu label=${msg("New conversation")} icon="plus" .items=${this.#newMenu()}></weft-menu>
    </header>`;
  }

  #filters() {
    const names: Record<Filter, string> = {
      all: msg("All"),
      unread: msg("Unread"),
      people: msg("People"),
      rooms: msg("Rooms"),
    };
    return html`<div class="filters" role="group" aria-label=${msg("Show")}>
      ${(Object.keys(names) as Filter[]).map(
        (filter) =>
          html`<button
            type="button"
            aria-pressed=${this.filter === filter}
            @click=${() => (this.filter = filter)}
          >
            ${names[filter]}
          </button>`,
      )}
    </div>`;
  }

  #section(heading: string, rooms: readonly RoomSummary[], shown: boolean) {
    if (rooms.length === 0) return nothing;
    const route = $route.get();
    const open = route.page === "room" ? route.room : undefined;
    return html`<h2 class=${shown ? "" : "hidden-label"}>${heading}</h2>
      <ul>
        ${repeat(
          rooms,
          (room) => room.roomId,
          (room) =>
            html`<li>
              <weft-room-link .room=${room} ?current=${room.roomId === open}></weft-room-link>
            </li>`,
        )}
      </ul>`;
  }

  #empty(total: number) {
    if (this.client.sync.$status.get() === "starting" && total === 0) {
      return html`<p class="empty">${msg("Fetching your rooms…")}</p>`;
    }
    if (total > 0) return html`<p class="empty">${msg("No room matches.")}</p>`;
    return html`<div class="empty">
      <p>${msg("No rooms yet. Write to someone, or look around.")}</p>
      <a class="button" href=${hrefTo({ page: "directory" })}
        >${icon("compass")} ${msg("Explore public rooms")}</a
      >
    </div>`;
  }

  /** What was put off about encryption stays findable here. */
  #reminder() {
    const { engine } = this.client.encryption.$status.get();
    if (engine !== "ready" && engine !== "failed") return nothing;
    import("./encryption/reminder.ts").catch(report);
    return html`<weft-encryption-reminder .client=${this.client}></weft-encryption-reminder>`;
  }

  override render() {
    const all = this.client.store.$list.get();
    const found = all.filter((room) => this.#matches(room));
    const invites = found.filter((room) => room.membership === "invite");
    const rest = found.filter((room) => room.membership !== "invite");
    const favourites = rest.filter((room) => room.favourite);
    const others = rest.filter((room) => !room.favourite).slice(0, this.limit);
    return html`<nav aria-label=${msg("Rooms")}>
      ${this.#header()}
      <div class="search">
        ${icon("search")}
        <input
          type="search"
          placeholder=${msg("Find a room")}
          aria-label=${msg("Find a room")}
          aria-keyshortcuts="Control+K"
          .value=${this.search}
          @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)}
          @keydown=${this.#onSearchKey}
        />
      </div>
      ${this.#filters()}
      <div class="list scroll" @scroll=${this.#onScroll} @keydown=${this.#onListKey}>
        ${this.#section(msg("Invitations"), invites, true)}
        ${this.#section(msg("Favourites"), favourites, true)}
        ${this.#section(msg("Rooms"), others, invites.length + favourites.length > 0)}
        ${found.length === 0 ? this.#empty(all.length) : nothing}
      </div>
      ${this.#reminder()}
    </nav>`;
  }
}
