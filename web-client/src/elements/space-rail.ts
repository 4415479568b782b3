import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { $listPlace, showPlace, type ListPlace } from "../store/list-place.ts";
import type { RoomSummary } from "../store/room-store.ts";
import { isUnread } from "../store/room-sections.ts";
import { $route, hrefToRoom } from "../store/router.ts";
import { readSpaces } from "../store/spaces.ts";
import { attempt } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { icon, type IconName } from "./icon.ts";
import "./avatar.ts";
import "./menu.ts";
import type { MenuItem, WeftMenu } from "./menu.ts";
import { spaceMenuItems } from "./space-heading.ts";

/** What waits in some rooms: how many have news, and whether any of it is for the person. */
interface Waiting {
  rooms: number;
  highlights: number;
}

function waitingIn(rooms: Iterable<RoomSummary>): Waiting {
  const found: Waiting = { rooms: 0, highlights: 0 };
  for (const room of rooms) {
    if (isUnread(room)) found.rooms++;
    found.highlights += room.highlights;
  }
  return found;
}

/** The places that the list can show, one below the other: everything, direct chats, each space. */
@customElement("weft-space-rail")
export class WeftSpaceRail extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private menuSpace = "";
  /** What a screen reader is to say of a move. */
  @state() private said = "";
  @query("weft-menu") private menu!: WeftMenu;

  constructor() {
    super();
    new Watch(this, () => [this.client?.store.$list, $listPlace, $route]);
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
        min-height: 0;
        background: color-mix(in oklab, var(--side), var(--text) 4%);
      }
      nav {
        height: 100%;
        padding: var(--space-2) 0;
        overflow-x: hidden;
      }
      ul {
        display: grid;
        justify-items: center;
        gap: var(--space-1);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .place {
        position: relative;
        display: grid;
        place-items: center;
        width: 56px;
        height: 48px;
        padding: 0;
        border: 0;
        background: none;
        color: var(--muted);
      }
      .face {
        display: grid;
        place-items: center;
        width: 38px;
        height: 38px;
        border-radius: 12px;
      }
      .place:hover .face {
        background: var(--hover);
      }
      .place[aria-current] .face {
        background: var(--accent-soft);
        color: var(--accent);
      }
      .place[aria-current]::before {
        content: "";
        position: absolute;
        inset-inline-start: 0;
        width: 4px;
        height: 28px;
        border-radius: 0 4px 4px 0;
        background: var(--accent);
      }
      .place:focus-visible {
        outline-offset: -3px;
        border-radius: 12px;
      }
      .count {
        position: absolute;
        top: 2px;
        inset-inline-end: 4px;
        min-width: 18px;
        padding: 0 4px;
        border: 2px solid var(--side);
        border-radius: 11px;
        background: var(--muted);
        color: var(--paper);
        font-size: 0.7em;
        font-weight: 700;
        line-height: 16px;
        text-align: center;
      }
      .count.highlight {
        background: var(--accent);
        color: var(--on-accent);
      }
      li:nth-child(2) {
        padding-bottom: var(--space-1);
        border-bottom: 1px solid var(--line);
      }
    `,
  ];

  readonly #onMenu = (event: Event): void => {
    const anchor = event.currentTarget as HTMLElement;
    event.preventDefault();
    this.menuSpace = anchor.dataset["space"] ?? "";
    void this.updateComplete.then(() => this.menu.openAt(anchor));
  };

  /** The list shows it; chosen once more, a space shows its page. */
  #choose(place: ListPlace): void {
    if (place.startsWith("!") && $listPlace.get() === place) location.hash = hrefToRoom(place);
    showPlace(place);
  }

  /** Moves a space among those at the top. Its place is this person's, on all their devices. */
  async #move(spaceId: string, by: 1 | -1): Promise<void> {
    const order = readSpaces(this.client.store).top.map(({ roomId }) => roomId);
    const at = order.indexOf(spaceId);
    const to = at + by;
    if (at < 0 || to < 0 || to >= order.length) return;
    await attempt(async () => {
      const { moveSpace } = await import("../store/space-actions.ts");
      await moveSpace(this.client, order, at, to);
      this.said = msg(str`Place ${to + 1} of ${order.length}`);
    });
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(`[data-space="${CSS.escape(spaceId)}"]`)?.focus();
  }

  #menuItems(): MenuItem[] {
    const spaceId = this.menuSpace;
    const top = readSpaces(this.client.store).top;
    const at = top.findIndex(({ roomId }) => roomId === spaceId);
    const move = (by: 1 | -1) => () => void this.#move(spaceId, by);
    return [
      ...spaceMenuItems(this.client, spaceId),
      ...(at > 0 ? [{ label: msg("Move up"), icon: "arrowUp" as const, run: move(-1) }] : []),
      ...(at >= 0 && at < top.length - 1
        ? [{ label: msg("Move down"), icon: "arrowDown" as const, run: move(1) }]
        : []),
    ];
  }

  /** Arrows go from place to place; with Alt and Shift they move the space. */
  readonly #onKey = (event: KeyboardEvent): void => {
    const isMove = event.altKey && event.shiftKey;
    const spaceId = (this.shadowRoot!.activeElement as HTMLElement | null)?.dataset["space"];
    if (isMove && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      event.stopPropagation();
      if (spaceId?.startsWith("!")) void this.#move(spaceId, event.key === "ArrowDown" ? 1 : -1);
      return;
    }
    if (event.altKey || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    const all = [...this.renderRoot.querySelectorAll<HTMLElement>(".place")];
    const at = all.indexOf(this.shadowRoot!.activeElement as HTMLElement);
    event.preventDefault();
    all[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  };

  #count({ rooms, highlights }: Waiting) {
    if (rooms === 0) return nothing;
    const count = highlights > 0 ? highlights : rooms;
    return html`<span class="count ${highlights > 0 ? "highlight" : ""}" aria-hidden="true"
      >${count > 99 ? "99+" : count}</span
    >`;
  }

  #place(place: ListPlace, name: string, face: TemplateResult, waiting: Waiting) {
    const { rooms, highlights } = waiting;
    const told =
      rooms === 0
        ? name
        : highlights > 0
          ? msg(str`${name}: ${rooms} with something new, ${highlights} for you`)
          : msg(str`${name}: ${rooms} with something new`);
    return html`<li>
      <button
        type="button"
        class="place"
        title=${name}
        aria-current=${$listPlace.get() === place ? "true" : nothing}
        data-space=${place}
        @click=${() => this.#choose(place)}
        @contextmenu=${place.startsWith("!") ? this.#onMenu : nothing}
      >
        <span class="face" aria-hidden="true">${face}</span>
        ${this.#count(waiting)}
        <span class="hidden-label">${told}</span>
      </button>
    </li>`;
  }

  override render() {
    const { store } = this.client;
    const list = store.$list.get().filter((room) => !room.isSpace || room.membership === "invite");
    const spaces = readSpaces(store);
    const byId = new Map(list.map((room) => [room.roomId, room]));
    const direct = list.filter(({ partner }) => partner !== undefined);
    const plain = (name: IconName) => html`${icon(name)}`;
    return html`<nav class="scroll" aria-label=${msg("Spaces")} @keydown=${this.#onKey}>
        <ul>
          ${this.#place("home", msg("All conversations"), plain("home"), waitingIn(list))}
          ${this.#place("people", msg("Direct chats"), plain("user"), waitingIn(direct))}
          ${repeat(
            spaces.top,
            ({ roomId }) => roomId,
            (space) =>
              this.#place(
                space.roomId as ListPlace,
                space.name,
                html`<weft-avatar
                  seed=${space.roomId}
                  name=${space.name}
                  .mxc=${space.avatarUrl}
                  size="32"
                ></weft-avatar>`,
                waitingIn([...spaces.below(space.roomId)].flatMap((id) => byId.get(id) ?? [])),
              ),
          )}
          <li>
            <button
              type="button"
              class="place"
              title=${msg("Create a space")}
              @click=${() => openDialog({ kind: "create-space" })}
            >
              <span class="face">${icon("plus")}</span>
              <span class="hidden-label">${msg("Create a space")}</span>
            </button>
          </li>
        </ul>
      </nav>
      <weft-menu bare label=${msg("Space")} .items=${this.#menuItems()}></weft-menu>
      <div class="hidden-label" role="status">${this.said}</div>`;
  }
}
