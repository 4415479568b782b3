import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { forgetRoom } from "../store/leaving.ts";
import { joinRule } from "../store/power.ts";
import type { Removal } from "../store/removal.ts";
import type { Room } from "../store/room.ts";
import { navigate, type Route } from "../store/router.ts";
import { attempt } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { plainText } from "../text/names.ts";
import { fullTime } from "../text/time.ts";

const MAX_REASON = 500;

/** In the place of the field to write in, where one only reads: why that is so, and what one can do about it. */
@customElement("weft-room-bar")
export class WeftRoomBar extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  @property({ attribute: false }) place!: Extract<Route, { page: "room" }>;
  @state() private busy = false;

  constructor() {
    super();
    new Watch(this, () => [this.client?.store.$list, this.room?.signals.$state]);
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-2) var(--space-3);
        margin: var(--space-2) var(--space-4) var(--space-4);
        padding: var(--space-3) var(--space-4);
        border: 1px solid var(--line);
        border-radius: var(--radius-big);
        background: var(--raised);
      }
      p {
        flex: 1;
        min-width: 180px;
        margin: 0;
        overflow-wrap: anywhere;
      }
      .reason {
        color: var(--muted);
      }
    `,
  ];

  async #do(work: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    await attempt(work);
    this.busy = false;
  }

  readonly #join = (): Promise<void> =>
    this.#do(() => this.client.api.rooms.join(this.room.roomId, this.place.via));

  readonly #forget = (): Promise<void> =>
    this.#do(async () => {
      await forgetRoom(this.client, this.room.roomId);
      navigate({ page: "home" });
    });

  readonly #ask = (): Promise<void> =>
    this.#do(async () => {
      const { roomId } = this.room;
      await this.client.api.directory.knock(roomId, this.place.via, "");
    });

  #told({ how, by, ts }: Removal): string {
    const name = this.room.displayName(by);
    const when = ts === 0 ? "" : fullTime(ts);
    switch (how) {
      case "banned":
        return when === ""
          ? msg(str`${name} banned you from this room.`)
          : msg(str`${name} banned you from this room on ${when}.`);
      case "declined":
        return msg(str`${name} declined your request to join.`);
      case "removed":
        return when === ""
          ? msg(str`${name} removed you from this room.`)
          : msg(str`${name} removed you from this room on ${when}.`);
    }
  }

  #removed(removal: Removal): TemplateResult {
    const reason = plainText(removal.reason.slice(0, MAX_REASON)).trim();
    const rule = joinRule(this.room);
    const isOpen = removal.how !== "banned";
    return html`<p>
        ${this.#told(removal)}
        ${reason === "" ? msg("They gave no reason.") : html`${msg("Their reason:")} <bdi>${reason}</bdi>`}
        <span class="reason">${msg("What was written until then stays readable here.")}</span>
      </p>
      ${
        isOpen && rule === "public"
          ? html`<button
              type="button"
              class="button primary"
              ?disabled=${this.busy}
              @click=${this.#join}
            >
              ${msg("Join again")}
            </button>`
          : nothing
      }
      ${
        isOpen && rule.startsWith("knock")
          ? html`<button type="button" class="button" ?disabled=${this.busy} @click=${this.#ask}>
              ${msg("Ask to join")}
            </button>`
          : nothing
      }
      <button type="button" class="button" ?disabled=${this.busy} @click=${this.#forget}>
        ${msg("Remove from the list")}
      </button>`;
  }

  override render() {
    const { removal } = this.room;
    if (removal !== undefined) return this.#removed(removal);
    return html`<p>
        ${msg("You look in from outside. What is written from now on is shown when you look again.")}
      </p>
      <button type="button" class="button primary" ?disabled=${this.busy} @click=${this.#join}>
        ${this.busy ? msg("Joining…") : msg("Join")}
      </button>`;
  }
}
