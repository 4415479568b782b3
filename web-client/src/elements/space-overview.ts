import { msg, str } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { text } from "../api/types.ts";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { canSend, powerFor, powerOf } from "../store/power.ts";
import type { Room } from "../store/room.ts";
import { hrefToRoom, navigate } from "../store/router.ts";
import { moveChild, removeFromSpace, suggest } from "../store/space-actions.ts";
import { SpaceRooms } from "../store/space-rooms.ts";
import type { SpaceChild } from "../store/spaces.ts";
import { attempt } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { spaceOverviewStyles } from "../styles/space-overview.ts";
import { plainName, plainText } from "../text/names.ts";
import { explain } from "../text/problems.ts";
import "./avatar.ts";
import { icon } from "./icon.ts";
import "./menu.ts";
import type { MenuItem } from "./menu.ts";

/** Spaces in spaces are opened so deep. */
const MAX_DEPTH = 4;
const DRAGGED = "application/x-weft-child";

/** What is in a space: its rooms and spaces, in or not, in its order, with what one may do about them. */
@customElement("weft-space-overview")
export class WeftSpaceOverview extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  @state() private opened: ReadonlySet<string> = new Set();
  @state() private joining = "";
  @state() private said = "";
  @state() private over = "";
  #rooms!: SpaceRooms;
  readonly #asked = new Set<string>();

  constructor() {
    super();
    new Watch(this, () => [
      this.client?.store.$list,
      this.room?.signals.$state,
      this.#rooms?.$version,
    ]);
  }

  static override styles = [base, buttons, spaceOverviewStyles];

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("client")) this.#rooms = new SpaceRooms(this.client);
    const unknown = this.#rooms
      .children(this.room.roomId)
      .filter(({ roomId }) => this.#rooms.room(roomId) === undefined)
      .map(({ roomId }) => roomId);
    // Asked again when a room comes that nothing is known of: what the server does not show stays unknown.
    const wanted = [this.room.roomId, ...unknown];
    if (wanted.every((roomId) => this.#asked.has(roomId))) return;
    for (const roomId of wanted) this.#asked.add(roomId);
    void this.#rooms.load(this.room.roomId);
  }

  get #mayManage(): boolean {
    return canSend(this.room, this.client.session.userId, "m.space.child", true);
  }

  async #join(roomId: string, via: string[]): Promise<void> {
    this.joining = roomId;
    await attempt(() => this.client.api.rooms.join(roomId, via));
    this.joining = "";
    this.renderRoot.querySelector<HTMLElement>(`[data-open="${CSS.escape(roomId)}"]`)?.focus();
  }

  #toggle(roomId: string): void {
    const next = new Set(this.opened);
    if (!next.delete(roomId)) {
      next.add(roomId);
      void this.#rooms.load(roomId);
    }
    this.opened = next;
  }

  async #move(order: readonly string[], from: number, to: number): Promise<void> {
    if (to < 0 || to >= order.length || from === to) return;
    const { client, room } = this;
    await attempt(() => moveChild(client, room, order, from, to));
    this.said = msg(str`Place ${to + 1} of ${order.length}`);
  }

  #remove(child: SpaceChild, name: string): void {
    const { client, room } = this;
    openDialog({
      kind: "confirm",
      heading: msg(str`Take ${name} out of the space?`),
      text: msg(
        "It is no longer shown here, and those who could join because of the space no longer can. The room, its people and its messages stay as they are. You can add it again.",
      ),
      action: msg("Take out"),
      danger: true,
      run: () => removeFromSpace(client, room.roomId, child.roomId),
    });
  }

  #manage(child: SpaceChild, name: string, order: readonly string[], at: number): MenuItem[] {
    const { client, room } = this;
    const items: MenuItem[] = [
      {
        label: child.suggested ? msg("No longer suggest it") : msg("Suggest it to members"),
        icon: "star",
        run: () => void attempt(() => suggest(client, room, child.roomId, !child.suggested)),
      },
    ];
    const move = (by: number) => () => void this.#move(order, at, at + by);
    if (at > 0) items.push({ label: msg("Move up"), icon: "arrowUp", run: move(-1) });
    if (at < order.length - 1)
      items.push({ label: msg("Move down"), icon: "arrowDown", run: move(1) });
    items.push({
      label: msg("Take out of the space"),
      icon: "close",
      danger: true,
      run: () => this.#remove(child, name),
    });
    return items;
  }

  #action(
    child: SpaceChild,
    name: string,
    rule: string | undefined,
  ): TemplateResult | typeof nothing {
    const { roomId, via } = child;
    const membership = this.client.store.room(roomId)?.membership;
    const href = hrefToRoom(roomId, via.slice(0, 5));
    const link = (label: string, said: string) =>
      html`<a class="button small" data-open=${roomId} href=${href} aria-label=${said}
        >${label}</a
      >`;
    if (membership === "join") return link(msg("Open"), msg(str`Open ${name}`));
    if (membership === "invite")
      return link(msg("Invited"), msg(str`See the invitation to ${name}`));
    if (membership === "knock") return link(msg("Asked"), msg(str`You asked to join ${name}`));
    if (rule === "knock") return link(msg("Ask to join"), msg(str`Ask to join ${name}`));
    return html`<button
      type="button"
      class="button small"
      aria-label=${msg(str`Join ${name}`)}
      ?disabled=${this.joining !== ""}
      @click=${() => void this.#join(roomId, via)}
    >
      ${this.joining === roomId ? msg("Joining…") : msg("Join")}
    </button>`;
  }

  #about(roomId: string):
    | {
        name: string;
        topic: string;
        avatar: string | undefined;
        people: number | undefined;
        isSpace: boolean;
        rule: string | undefined;
      }
    | undefined {
    const told = this.#rooms.room(roomId);
    const own = this.client.store.summary(roomId);
    if (told === undefined && own === undefined) return undefined;
    const room = this.client.store.room(roomId);
    return {
      name: own?.name ?? plainName(told?.name) ?? plainName(told?.canonical_alias) ?? roomId,
      topic: plainName(told?.topic) ?? "",
      avatar: own?.avatarUrl ?? told?.avatar_url,
      people: told?.num_joined_members ?? room?.joinedCount,
      isSpace: told?.room_type === "m.space" || own?.isSpace === true,
      rule: told?.join_rule,
    };
  }

  #onDrop(event: DragEvent, order: readonly string[], to: number): void {
    const from = order.indexOf(event.dataTransfer?.getData(DRAGGED) ?? "");
    this.over = "";
    if (from < 0) return;
    event.preventDefault();
    void this.#move(order, from, to);
  }

  #child(
    child: SpaceChild,
    order: readonly string[],
    at: number,
    path: readonly string[],
  ): TemplateResult | typeof nothing {
    const about = this.#about(child.roomId);
    if (about === undefined) return nothing;
    const { name, topic, people, isSpace } = about;
    const isManaged = path.length === 1 && this.#mayManage;
    // A space that holds itself is not opened within itself.
    const isOpen = this.opened.has(child.roomId) && !path.includes(child.roomId);
    return html`<li
      draggable=${isManaged ? "true" : nothing}
      class=${this.over === child.roomId ? "over" : ""}
      @dragstart=${(event: DragEvent) => {
        event.stopPropagation();
        event.dataTransfer?.setData(DRAGGED, child.roomId);
      }}
      @dragover=${(event: DragEvent) => {
        if (!isManaged || event.dataTransfer?.types.includes(DRAGGED) !== true) return;
        event.preventDefault();
        this.over = child.roomId;
      }}
      @dragend=${() => (this.over = "")}
      @drop=${(event: DragEvent) => this.#onDrop(event, order, at)}
    >
      <div class="line">
        <weft-avatar seed=${child.roomId} name=${name} .mxc=${about.avatar} size="40"></weft-avatar>
        <div class="about">
          <p class="name">
            ${
              isSpace
                ? html`<button
                    type="button"
                    class="open"
                    aria-expanded=${isOpen}
                    @click=${() => this.#toggle(child.roomId)}
                  >
                    ${icon(isOpen ? "chevronDown" : "chevronRight")}<span class="ellipsis"
                      >${name}</span
                    >
                  </button>`
                : html`<a class="ellipsis" href=${hrefToRoom(child.roomId, child.via.slice(0, 5))}
                    >${name}</a
                  >`
            }
            ${child.suggested ? html`<span class="tag">${msg("Suggested")}</span>` : nothing}
          </p>
          <p class="muted ellipsis">
            ${[people === undefined ? "" : people === 1 ? msg("1 person") : msg(str`${people} people`), topic].filter((part) => part !== "").join(" · ")}
          </p>
        </div>
        ${this.#action(child, name, about.rule)}
        ${isManaged ? html`<weft-menu label=${msg(str`Options for ${name}`)} .items=${this.#manage(child, name, order, at)}></weft-menu>` : nothing}
      </div>
      ${isSpace && isOpen ? this.#inside(child.roomId, path) : nothing}
    </li>`;
  }

  /** The rooms of a space, those that are suggested not first: a space has an order of its own. */
  #inside(spaceId: string, above: readonly string[]): TemplateResult {
    const path = [...above, spaceId];
    const children = this.#rooms.children(spaceId);
    const order = children.map(({ roomId }) => roomId);
    const hidden = order.filter((roomId) => this.#about(roomId) === undefined).length;
    const isLoading = this.#rooms.isLoading(spaceId);
    const error = this.#rooms.failed.get(spaceId);
    return html`<ul aria-busy=${isLoading}>
        ${
          path.length > MAX_DEPTH
            ? nothing
            : repeat(
                children,
                ({ roomId }) => roomId,
                (child, at) => this.#child(child, order, at, path),
              )
        }
      </ul>
      <p class="muted" role="status">
        ${
          isLoading
            ? msg("Looking…")
            : error !== undefined
              ? explain(error)
              : order.length === 0
                ? msg("There is no room in it yet.")
                : hidden === 0
                  ? ""
                  : hidden === 1
                    ? msg("One more room in it is not shown to you.")
                    : msg(str`${hidden} more rooms in it are not shown to you.`)
        }
        ${
          error !== undefined && !isLoading
            ? html`<button
                type="button"
                class="button small"
                @click=${() => void this.#rooms.load(spaceId)}
              >
                ${msg("Try again")}
              </button>`
            : nothing
        }
      </p>`;
  }

  #tools() {
    const { roomId } = this.room;
    const mayInvite =
      powerOf(this.room, this.client.session.userId) >= powerFor(this.room, "invite");
    return html`<div class="tools">
      ${
        mayInvite
          ? html`<button
              type="button"
              class="button"
              @click=${() => openDialog({ kind: "invite", roomId })}
            >
              ${icon("userPlus")} ${msg("Invite people")}
            </button>`
          : nothing
      }
      ${
        this.#mayManage
          ? html`<button
                type="button"
                class="button"
                @click=${() => openDialog({ kind: "create-room", spaceId: roomId })}
              >
                ${icon("plus")} ${msg("Create a room")}
              </button>
              <button
                type="button"
                class="button"
                @click=${() => openDialog({ kind: "add-rooms", spaceId: roomId })}
              >
                ${msg("Add rooms that exist")}
              </button>`
          : nothing
      }
      <button
        type="button"
        class="button quiet"
        @click=${() => navigate({ page: "room-settings", room: roomId, section: "general" })}
      >
        ${icon("settings")} ${msg("Settings")}
      </button>
    </div>`;
  }

  override render() {
    const topic = plainText(text(this.room.stateEvent("m.room.topic")?.content, "topic") ?? "");
    return html`<div class="page scroll">
      <div class="content">
        ${topic === "" ? nothing : html`<p class="topic">${topic}</p>`} ${this.#tools()}
        <h2>${msg("Rooms")}</h2>
        ${this.#inside(this.room.roomId, [])}
      </div>
      <p class="hidden-label" role="status">${this.said}</p>
    </div>`;
  }
}
