import { msg, str } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { ApiError, isTransient } from "../api/errors.ts";
import { text, type MatrixEvent } from "../api/types.ts";
import { Cover } from "../controllers/cover.ts";
import { Watch } from "../controllers/watch.ts";
import { serverOf, viaServers } from "../store/actions.ts";
import type { Client } from "../store/client.ts";
import type { Room } from "../store/room.ts";
import { roomName } from "../store/room-name.ts";
import { isSpace } from "../store/room-features.ts";
import type { Panel } from "../store/panel.ts";
import { $route, navigate, type Route } from "../store/router.ts";
import { report } from "../store/toasts.ts";
import { isMarkedUnread, markUnread } from "../store/unread-mark.ts";
import { roomStyles } from "../styles/room.ts";
import { base, buttons } from "../styles/shared.ts";
import "../elements/composer.ts";
import type { WeftComposer } from "../elements/composer.ts";
import "../elements/room-header.ts";
import "../elements/room-gate.ts";
import "../elements/timeline.ts";
import type { WeftTimeline } from "../elements/timeline.ts";
import "../elements/typing-line.ts";
import { icon } from "../elements/icon.ts";

/** One room: what is said in it, who is in it, and the field to write in; or the way into it. */
@customElement("weft-room")
export class WeftRoomPage extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: Extract<Route, { page: "room" }>;
  @state() private panel: Panel | undefined;
  @state() private dropping = false;
  @query("weft-composer") private composer!: WeftComposer | null;
  @query("weft-timeline") private timeline!: WeftTimeline | null;
  #resolved = new Map<string, string>();
  #shown = "";
  readonly #cover = new Cover(
    this,
    () => this.panel !== undefined,
    () => this.#closePanel(),
  );

  constructor() {
    super();
    new Watch(this, () => {
      const room = this.#room;
      return [
        this.client?.store.$list,
        this.client?.sync.$hasAll,
        room?.signals.$state,
        room && this.#trust(room),
      ];
    });
  }

  static override styles = [base, buttons, roomStyles];

  /** Of encrypted rooms: in others nobody's identity is asked for. */
  #trust(room: Room) {
    const { rooms, trust } = this.client.encryption;
    return rooms.algorithm(room) === "megolm" ? trust.room(room) : undefined;
  }

  get #room(): Room | undefined {
    const { room } = this.place ?? {};
    return room === undefined
      ? undefined
      : this.client.store.room(this.#resolved.get(room) ?? room);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    const { room, eventId } = this.place;
    const before = changed.get("place");
    if (changed.has("place") && before?.room !== room) this.#takeMark();
    if (room !== this.#shown && this.panel?.kind === "thread") this.panel = undefined;
    // It would hide what one was led to.
    const isElsewhere =
      before !== undefined && (before.room !== room || before.eventId !== eventId);
    if (isElsewhere && this.#cover.isOver) this.panel = undefined;
    this.#shown = room;
    if (room.startsWith("#") && !this.#resolved.has(room)) void this.#resolve(room);
    const joined = this.#room;
    if (joined?.membership === "join" && !joined.membersLoaded && !joined.membersLoading)
      this.client.history.members(joined).catch(report);
  }

  /** Who opens a room has come back to what they marked. */
  #takeMark(): void {
    const room = this.#room;
    if (room !== undefined && isMarkedUnread(room))
      markUnread(this.client, room, false).catch(report);
  }

  async #resolve(alias: string): Promise<void> {
    this.#resolved.set(alias, alias);
    const found = await this.client.api.rooms.resolveAlias(alias).catch((error: unknown) => {
      // The next news of any room tries again.
      if (isTransient(error)) this.#resolved.delete(alias);
      else if (!(error instanceof ApiError) || error.status !== 404) report(error);
    });
    if (found === undefined) return;
    this.#resolved.set(alias, found.room_id);
    const { place } = this;
    if (place.room !== alias) return;
    const via = place.via.length > 0 ? place.via : found.servers.slice(0, 3);
    navigate({ ...place, room: found.room_id, via }, true);
  }

  readonly #onDrag = (event: DragEvent): void => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.dropping = event.type === "dragenter" || event.type === "dragover";
  };

  readonly #onDrop = (event: DragEvent): void => {
    const files = event.dataTransfer?.files;
    this.dropping = false;
    if (files === undefined || files.length === 0) return;
    event.preventDefault();
    this.composer?.addFiles(files);
  };

  #successor(room: Room) {
    const tombstone = room.stateEvent("m.room.tombstone")?.content;
    const next = text(tombstone, "replacement_room");
    if (next === undefined) return nothing;
    return html`<p class="replaced">
      ${msg("This room has been replaced.")}
      <button
        type="button"
        class="button small"
        @click=${() => navigate({ page: "room", room: next, via: this.#successorServers(room) })}
      >
        ${msg("Go to the new one")}
      </button>
    </p>`;
  }

  /** Whoever closed the room is in the new one. */
  #successorServers(room: Room): string[] {
    const by = room.stateEvent("m.room.tombstone")?.sender;
    return [...new Set([...(by === undefined ? [] : [serverOf(by)]), ...viaServers(room)])];
  }

  /** Those whose identity changed, above the field: what is written next depends on the choice. */
  #identities(room: Room) {
    const changed = this.#trust(room)?.get().changed ?? [];
    if (changed.length === 0) return nothing;
    import("../elements/encryption/identity-warning.ts").catch(report);
    return html`<div class="identities" role="status">
      ${changed
        .slice(0, 3)
        .map(
          (userId) =>
            html`<weft-identity-warning
              .client=${this.client}
              .room=${room}
              .userId=${userId}
            ></weft-identity-warning>`,
        )}
    </div>`;
  }

  #conversation(room: Room) {
    const { client } = this;
    const summary = client.store.summary(room.roomId);
    const route = $route.get();
    const eventId = route.page === "room" ? route.eventId : undefined;
    return html`<div
      class="conversation"
      @dragenter=${this.#onDrag}
      @dragover=${this.#onDrag}
      @dragleave=${this.#onDrag}
      @drop=${this.#onDrop}
      @reply=${(event: CustomEvent<MatrixEvent>) => this.composer?.reply(event.detail)}
      @edit=${(event: CustomEvent<MatrixEvent>) => this.composer?.edit(event.detail)}
    >
      ${keyed(
        room.roomId,
        html`<weft-timeline .client=${client} .room=${room} .focusEvent=${eventId}></weft-timeline>
          <weft-typing-line .room=${room} me=${client.session.userId}></weft-typing-line>
          ${this.#successor(room)} ${this.#knocks(room)} ${this.#identities(room)}
          <weft-composer
            .client=${client}
            .room=${room}
            name=${summary?.name ?? ""}
          ></weft-composer>`,
      )}
      ${this.dropping ? html`<div class="drop">${icon("paperclip")} ${msg("Drop files to attach them")}</div>` : nothing}
    </div>`;
  }

  /** What one may read without being in it. */
  #past(room: Room) {
    import("../elements/room-bar.ts").catch(report);
    const eventId = this.place.eventId;
    return html`<div class="conversation">
      ${keyed(
        room.roomId,
        html`<weft-timeline
            .client=${this.client}
            .room=${room}
            .focusEvent=${eventId}
          ></weft-timeline>
          <weft-room-bar
            .client=${this.client}
            .room=${room}
            .place=${this.place}
          ></weft-room-bar>`,
      )}
    </div>`;
  }

  /** Those who ask to be let in, for those who may. */
  #knocks(room: Room) {
    if (room.members("knock").length === 0) return nothing;
    import("../elements/knocks.ts").catch(report);
    return html`<weft-knocks class="knocks" .client=${this.client} .room=${room}></weft-knocks>`;
  }

  /** A space shows what is in it. */
  #overview(room: Room) {
    import("../elements/space-overview.ts").catch(report);
    return html`${keyed(
      room.roomId,
      html`<weft-space-overview .client=${this.client} .room=${room}></weft-space-overview>`,
    )}`;
  }

  /** Where the keyboard was when the panel was opened. */
  #before: HTMLElement | undefined;

  readonly #onPanel = (event: CustomEvent<Panel>): void => {
    if (this.panel === undefined) this.#before = event.composedPath()[0] as HTMLElement;
    const { detail: asked } = event;
    this.panel = asked.kind === "room" && isSame(asked, this.panel) ? undefined : asked;
  };

  /** A message in a thread is shown in it. */
  readonly #onThread = ({ detail }: CustomEvent<{ root: string; eventId: string }>): void => {
    this.panel = { kind: "thread", ...detail };
  };

  #closePanel(): void {
    this.panel = undefined;
    if (this.#before?.isConnected === true) this.#before.focus();
    else this.composer?.focus();
    this.#before = undefined;
  }

  #goTo(eventId: string): void {
    void this.timeline?.goTo(eventId);
    if (this.#cover.isOver) this.#closePanel();
  }

  #panelView(room: Room) {
    if (this.panel === undefined) return nothing;
    import("../elements/panel/room-panel.ts").catch(report);
    return html`<weft-room-panel
      .client=${this.client}
      .room=${room}
      .panel=${this.panel}
      @close=${() => this.#closePanel()}
    ></weft-room-panel>`;
  }

  override render() {
    const room = this.#room;
    const { removal } = room ?? {};
    // Whether one is in it is about to be known.
    if (room === undefined && !this.client.sync.$hasAll.get())
      return html`<main aria-busy="true"></main>`;
    const isRead = (removal !== undefined && removal.how !== "declined") || room?.isPeeked === true;
    if (room === undefined || (room.membership !== "join" && !isRead)) {
      return html`<main>
        <weft-room-gate .client=${this.client} .room=${room} .place=${this.place}></weft-room-gate>
      </main>`;
    }
    const name =
      this.client.store.summary(room.roomId)?.name ?? roomName(room, this.client.session.userId);
    return html`<main
      aria-label=${msg(str`Conversation in ${name}`)}
      class=${this.panel?.kind === "thread" ? "broad" : ""}
      @open-panel=${this.#onPanel}
      @open-thread=${this.#onThread}
      @go-to-event=${(event: CustomEvent<string>) => this.#goTo(event.detail)}
    >
      <weft-room-header
        .client=${this.client}
        .room=${room}
        .panel=${this.panel}
      ></weft-room-header>
      ${isRead ? this.#past(room) : isSpace(room) ? this.#overview(room) : this.#conversation(room)}
      ${keyed(room.roomId, this.#panelView(room))}
    </main>`;
  }
}

function isSame(a: Panel, b: Panel | undefined): boolean {
  return a.kind === "room" && b?.kind === "room" && a.tab === b.tab;
}
