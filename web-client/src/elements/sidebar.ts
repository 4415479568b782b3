import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import { keptSessions } from "../api/session.ts";
import { addAccount, switchTo } from "../store/account.ts";
import { roleOf } from "../store/administrator.ts";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { localName } from "../store/room.ts";
import type { RoomFilter } from "../store/room-sections.ts";
import { navigate } from "../store/router.ts";
import { $theme, setTheme } from "../store/theme.ts";
import { attempt, report } from "../store/toasts.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { sidebarStyles } from "../styles/sidebar.ts";
import { icon } from "./icon.ts";
import "./avatar.ts";
import "./menu.ts";
import "./room-list.ts";
import type { WeftRoomList } from "./room-list.ts";
import "./space-rail.ts";
import { plainName } from "../text/names.ts";

/** Where one can go: the spaces, the rooms of the one that is chosen, a search, and the main menus. */
@customElement("weft-sidebar")
export class WeftSidebar extends LitElement {
  @property({ attribute: false }) client!: Client;
  /** Nothing stands beside it, as on a phone: it is what the page shows. */
  @property({ attribute: false }) isMain = false;
  @state() private search = "";
  @state() private filter: RoomFilter = "all";
  @state() private name: string | undefined;
  @state() private avatar: string | undefined;
  @query("input[type=search]") private searchInput!: HTMLInputElement;
  @query("weft-room-list") private list!: WeftRoomList;

  constructor() {
    super();
    new Watch(this, () => [
      this.client?.encryption.$status,
      this.client && roleOf(this.client),
      this.client?.store.presence.$of(this.client.session.userId),
    ]);
  }

  static override styles = [base, buttons, forms, sidebarStyles];

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

  #administration() {
    return {
      label: msg("Administration"),
      icon: "shield" as const,
      run: () => navigate({ page: "admin", path: [] }),
    };
  }

  /** Servers that show nobody's presence show ours neither. */
  #status() {
    if (this.#presence === undefined) return [];
    const open = () => openDialog({ kind: "status" });
    return [{ label: msg("Status"), icon: "smile" as const, run: open }];
  }

  get #presence() {
    return this.client.store.presence.of(this.client.session.userId);
  }

  /** The other accounts of this browser, and the way to one more. */
  #accounts() {
    const others = keptSessions().filter(({ userId }) => userId !== this.client.session.userId);
    return [
      ...others.map(({ userId }) => ({
        label: msg(str`Switch to ${userId}`),
        icon: "user" as const,
        run: () => void attempt(() => switchTo(userId)),
      })),
      {
        label: msg("Add another account"),
        icon: "userPlus" as const,
        run: () => void attempt(addAccount),
      },
    ];
  }

  #menu() {
    return [
      ...this.#status(),
      {
        label: msg("Settings"),
        icon: "settings" as const,
        run: () => navigate({ page: "settings", section: "profile" }),
      },
      ...(roleOf(this.client).get() === "administrator" ? [this.#administration()] : []),
      {
        label: msg("Go anywhere, do anything"),
        icon: "search" as const,
        run: () => openDialog({ kind: "palette" }),
      },
      {
        label: msg("Keyboard shortcuts"),
        icon: "keyboard" as const,
        run: () => openDialog({ kind: "shortcuts" }),
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
      ...this.#accounts(),
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
        label: msg("Create a space"),
        icon: "grid" as const,
        run: () => openDialog({ kind: "create-space" }),
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

  readonly #onSearchKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") {
      this.search = "";
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      this.list.focusFirst();
    } else if (event.key === "Enter" && this.search !== "") {
      event.preventDefault();
      this.list.openFirst();
      this.search = "";
    }
  };

  #header() {
    const { userId } = this.client.session;
    const name = this.name || localName(userId);
    return html`<header>
      <weft-menu label=${msg("Your account")} .items=${this.#menu()}>
        <span class="me">
          <weft-avatar
            seed=${userId}
            name=${name}
            .mxc=${this.avatar}
            .presence=${userId}
            size="34"
          ></weft-avatar>
          <span class="who">
            <span class="ellipsis name">${name}</span>
            <span class="ellipsis id">${this.#presence?.status ?? userId}</span>
          </span>
        </span>
      </weft-menu>
      <weft-menu label=${msg("New conversation")} icon="plus" .items=${this.#newMenu()}></weft-menu>
    </header>`;
  }

  #filters() {
    const names: Record<RoomFilter, string> = {
      all: msg("All"),
      unread: msg("Unread"),
      mentions: msg("Mentions"),
    };
    return html`<div class="filters" role="group" aria-label=${msg("Show")}>
      ${(Object.keys(names) as RoomFilter[]).map(
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

  /** What was put off about encryption stays findable here. */
  #reminder() {
    const { engine } = this.client.encryption.$status.get();
    if (engine !== "ready" && engine !== "failed") return nothing;
    import("./encryption/reminder.ts").catch(report);
    return html`<weft-encryption-reminder .client=${this.client}></weft-encryption-reminder>`;
  }

  override render() {
    return html`<weft-space-rail .client=${this.client}></weft-space-rail>
      ${this.isMain ? html`<h1 class="hidden-label">${msg("Rooms")}</h1>` : nothing}
      <nav aria-label=${msg("Rooms")}>
        ${this.#header()}
        <div class="search">
          ${icon("search")}
          <input
            type="search"
            placeholder=${msg("Find a room")}
            aria-label=${msg("Find a room")}
            .value=${this.search}
            @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)}
            @keydown=${this.#onSearchKey}
          />
        </div>
        ${this.#filters()}
        <weft-room-list
          .client=${this.client}
          search=${this.search}
          filter=${this.filter}
          @leave-top=${() => this.searchInput.focus()}
        ></weft-room-list>
        ${this.#reminder()}
      </nav>`;
  }
}
