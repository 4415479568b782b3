import { msg, str } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { ResponseBody } from "@weft/spec/types";
import { ApiError } from "../api/errors.ts";
import { text } from "../api/types.ts";
import { acceptInvite } from "../store/actions.ts";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { setIgnored } from "../store/ignored.ts";
import { leaveAndForget } from "../store/leaving.ts";
import { lookInside, recallPast } from "../store/outside.ts";
import type { Room } from "../store/room.ts";
import { hrefTo, navigate, type Route } from "../store/router.ts";
import { attempt, toast } from "../store/toasts.ts";
import { roomGateStyles } from "../styles/room-gate.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { plainName, plainText } from "../text/names.ts";
import { explain } from "../text/problems.ts";
import { icon } from "./icon.ts";
import "./avatar.ts";

type Summary = ResponseBody<"getRoomSummary">;
const MAX_REASON = 500;

/** On a phone nothing else leads away. */
const back = () =>
  html`<a class="button" href=${hrefTo({ page: "home" })}>${msg("Back to the rooms")}</a>`;

/** In front of a room that one is not in: what it is, and the ways in that there are. */
@customElement("weft-room-gate")
export class WeftRoomGate extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room: Room | undefined;
  @property({ attribute: false }) place!: Extract<Route, { page: "room" }>;
  @state() private busy = false;
  @state() private problem = "";
  @state() private summary: Summary | undefined;
  @state() private looking = true;
  /** Why there is no summary. */
  @state() private error: unknown;
  @query("#reason") private reason!: HTMLTextAreaElement | null;
  #asked = "";

  constructor() {
    super();
    // What one is to a room changes in the room itself: who waits is invited one day.
    new Watch(this, () => [this.client?.store.$list]);
  }

  static override styles = [base, buttons, forms, roomGateStyles];

  override willUpdate(_changed: PropertyValues<this>): void {
    const { room: address } = this.place;
    const membership = this.room?.membership;
    const isKnown = membership === "invite" || membership === "knock";
    if (isKnown || this.#asked === address) return;
    this.#asked = address;
    void this.#look(address);
  }

  async #look(address: string): Promise<void> {
    this.looking = true;
    this.problem = "";
    this.error = undefined;
    this.summary = undefined;
    const { directory } = this.client.api;
    // A room that one was put out of is shown as it was; by its name one would only meet the closed door.
    const isPast =
      address.startsWith("!") && (await recallPast(this.client, address).catch(() => false));
    if (isPast) return;
    const found = await directory.summary(address, this.place.via).catch((error: unknown) => {
      if (this.#asked === address) this.error = error;
      return undefined;
    });
    if (this.#asked !== address) return;
    this.summary = found;
    this.looking = false;
  }

  async #do(work: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    this.problem = "";
    try {
      await work();
    } catch (error) {
      this.problem = explain(error);
    }
    this.busy = false;
  }

  readonly #accept = (): Promise<void> => this.#do(() => acceptInvite(this.client, this.room!));

  readonly #decline = (): Promise<void> =>
    this.#do(async () => {
      await leaveAndForget(this.client, this.room!.roomId);
      navigate({ page: "home" });
    });

  #declineAndIgnore(inviter: string): Promise<void> {
    return this.#do(async () => {
      await setIgnored(this.client, inviter, true);
      await leaveAndForget(this.client, this.room!.roomId);
      toast(
        msg(str`You no longer get anything from ${inviter}. You can change that on their profile.`),
      );
      navigate({ page: "home" });
    });
  }

  readonly #join = (): Promise<void> =>
    this.#do(async () => {
      const roomId = await this.client.api.rooms.join(this.place.room, this.place.via);
      if (roomId !== this.place.room) navigate({ page: "room", room: roomId, via: [] }, true);
    });

  readonly #knock = (event: Event): Promise<void> => {
    event.preventDefault();
    return this.#do(async () => {
      const reason = this.reason?.value.trim() ?? "";
      const roomId = await this.client.api.directory.knock(this.place.room, this.place.via, reason);
      if (roomId !== this.place.room) navigate({ page: "room", room: roomId, via: [] }, true);
    });
  };

  #wrong() {
    return this.problem === ""
      ? nothing
      : html`<p class="problem" role="alert">${this.problem}</p>`;
  }

  #face(seed: string, name: string, mxc: string | undefined) {
    return html`<weft-avatar seed=${seed} name=${name} .mxc=${mxc} size="72"></weft-avatar>
      <h1>${name}</h1>`;
  }

  /** Who invites, to what and why, and what one can answer. */
  #invitation(room: Room) {
    const summary = this.client.store.summary(room.roomId);
    const own = room.stateEvent("m.room.member", this.client.session.userId);
    const inviter = own?.sender ?? "";
    const topic = plainName(text(room.stateEvent("m.room.topic")?.content, "topic"));
    const reason = plainText((text(own?.content, "reason") ?? "").slice(0, MAX_REASON)).trim();
    const name = room.displayName(inviter);
    const what = summary?.isSpace
      ? msg(str`${name} (${inviter}) invites you to this space.`)
      : own?.content["is_direct"] === true
        ? msg(str`${name} (${inviter}) wants to write to you.`)
        : msg(str`${name} (${inviter}) invites you.`);
    return html`<section>
      ${this.#face(summary?.partner ?? room.roomId, summary?.name ?? room.roomId, summary?.avatarUrl)}
      <p>${what}</p>
      ${reason === "" ? nothing : html`<blockquote><bdi>${reason}</bdi></blockquote>`}
      ${topic ? html`<p class="topic">${topic}</p>` : nothing}
      ${room.encryption === undefined ? nothing : html`<p class="fact">${icon("lock")} ${msg("Encrypted")}</p>`}
      ${this.#wrong()}
      <div class="choices">
        <button type="button" class="button primary" ?disabled=${this.busy} @click=${this.#accept}>
          ${this.busy ? msg("One moment…") : msg("Accept")}
        </button>
        <button type="button" class="button" ?disabled=${this.busy} @click=${this.#decline}>
          ${msg("Decline")}
        </button>
        ${
          inviter === "" || inviter === this.client.session.userId
            ? nothing
            : html`<button
                type="button"
                class="button quiet"
                ?disabled=${this.busy}
                @click=${() => void this.#declineAndIgnore(inviter)}
              >
                ${msg(str`Decline and ignore ${name}`)}
              </button>`
        }
        ${back()}
      </div>
    </section>`;
  }

  /** One has asked, and waits. */
  #waiting(room: Room) {
    const summary = this.client.store.summary(room.roomId);
    const own = room.stateEvent("m.room.member", this.client.session.userId);
    const reason = plainText((text(own?.content, "reason") ?? "").slice(0, MAX_REASON)).trim();
    return html`<section>
      ${this.#face(room.roomId, summary?.name ?? room.roomId, summary?.avatarUrl)}
      <p role="status">
        ${icon("clock")}
        ${msg("You asked to join. As soon as someone lets you in, an invitation appears here.")}
      </p>
      ${reason === "" ? nothing : html`<blockquote><bdi>${reason}</bdi></blockquote>`}
      ${this.#wrong()}
      <div class="choices">
        <button type="button" class="button" ?disabled=${this.busy} @click=${this.#decline}>
          ${msg("Take the request back")}
        </button>
        ${back()}
      </div>
    </section>`;
  }

  #facts(summary: Summary): TemplateResult {
    const people = summary.num_joined_members;
    const said = [
      summary.room_type === "m.space" ? msg("Space") : "",
      people === 1 ? msg("1 person") : msg(str`${people} people`),
      summary.encryption === undefined ? "" : msg("Encrypted"),
      plainText(summary.canonical_alias ?? ""),
    ];
    return html`<p class="fact">${said.filter((one) => one !== "").join(" · ")}</p>`;
  }

  #asking() {
    return html`<form class="asking" @submit=${this.#knock}>
      <label for="reason">${msg("Why would you like to join? (optional)")}</label>
      <textarea id="reason" rows="2" maxlength=${MAX_REASON}></textarea>
      <button type="submit" class="button primary" ?disabled=${this.busy}>
        ${this.busy ? msg("One moment…") : msg("Ask to join")}
      </button>
    </form>`;
  }

  /** The ways in, by the room's rule. */
  #ways({ join_rule: rule, world_readable: isOpen, room_id: roomId }: Summary) {
    const isBanned = this.summary?.membership === "ban" || this.room?.membership === "ban";
    if (isBanned) return html`<p>${msg("You are banned from this room.")}</p>`;
    const mayJoin =
      rule === undefined || ["public", "restricted", "knock_restricted"].includes(rule);
    return html`${rule === "restricted" || rule === "knock_restricted" ? html`<p>${msg("Members of certain spaces may join.")}</p>` : nothing}
      ${rule === "invite" || rule === "private" ? html`<p>${msg("You need an invitation to join.")}</p>` : nothing}
      ${rule === "knock" || rule === "knock_restricted" ? this.#asking() : nothing}
      <div class="choices">
        ${
          mayJoin
            ? html`<button
                type="button"
                class="button ${rule === "knock_restricted" ? "" : "primary"}"
                ?disabled=${this.busy}
                @click=${this.#join}
              >
                ${this.busy ? msg("Joining…") : msg("Join")}
              </button>`
            : nothing
        }
        ${
          isOpen && this.summary?.room_type !== "m.space"
            ? html`<button
                type="button"
                class="button"
                ?disabled=${this.busy}
                @click=${() => void this.#do(() => lookInside(this.client, roomId))}
              >
                ${icon("eye")} ${msg("Look inside")}
              </button>`
            : nothing
        }
        ${back()}
      </div>`;
  }

  /** What became of a request to join. */
  #declined() {
    const removal = this.room?.removal;
    if (removal?.how !== "declined") return nothing;
    const reason = plainText(removal.reason.slice(0, MAX_REASON)).trim();
    return html`<p>${msg(str`Your request was declined by ${removal.by}.`)}</p>
      ${reason === "" ? nothing : html`<blockquote><bdi>${reason}</bdi></blockquote>`}`;
  }

  #preview(summary: Summary) {
    const name = plainName(summary.name) ?? plainName(summary.canonical_alias) ?? summary.room_id;
    const topic = plainName(summary.topic);
    return html`<section>
      ${this.#face(summary.room_id, name, summary.avatar_url)} ${this.#facts(summary)}
      ${topic ? html`<p class="topic">${topic}</p>` : nothing} ${this.#declined()} ${this.#wrong()}
      ${this.#ways(summary)}
    </section>`;
  }

  /** Nothing is known of it: the address is wrong, or the room shows itself to nobody outside. */
  #unknown() {
    const { room: address } = this.place;
    const isAlias = address.startsWith("#");
    const isMissing = this.error instanceof ApiError && this.error.status === 404;
    const heading =
      isAlias && isMissing
        ? msg("There is no room with this address")
        : msg("This room cannot be seen from here");
    const help = !isMissing
      ? explain(this.error)
      : isAlias
        ? msg("Check it for typing errors, or ask whoever gave it to you.")
        : msg("It may be private, so that you need an invitation, or its address may be wrong.");
    return html`<section>
      ${icon("hash")}
      <h1>${heading}</h1>
      <p>${address}</p>
      <p>${help}</p>
      ${this.#wrong()}
      <div class="choices">
        ${
          isAlias && isMissing
            ? nothing
            : html`<button type="button" class="button" ?disabled=${this.busy} @click=${this.#join}>
                ${this.busy ? msg("Joining…") : msg("Try to join")}
              </button>`
        }
        <button
          type="button"
          class="button"
          @click=${() => void attempt(() => this.#look(address))}
        >
          ${msg("Look again")}
        </button>
        ${back()}
      </div>
    </section>`;
  }

  override render() {
    if (this.room?.membership === "invite") return this.#invitation(this.room);
    if (this.room?.membership === "knock") return this.#waiting(this.room);
    if (this.summary !== undefined) return this.#preview(this.summary);
    if (this.looking) return html`<p role="status">${msg("Looking…")}</p>`;
    return this.#unknown();
  }
}
