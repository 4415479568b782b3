import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { powerFor, powerOf } from "../store/power.ts";
import type { Member, Room } from "../store/room.ts";
import { base, buttonRows, buttons, forms } from "../styles/shared.ts";
import { icon } from "./icon.ts";
import "./avatar.ts";
import "./encryption/trust-mark.ts";
import { powerLabel } from "./power-label.ts";

/** How many are drawn before one scrolls for more. */
const PAGE = 80;

/** Everyone in the room: those with rights first, then by presence and name; then those invited. */
@customElement("weft-member-list")
export class WeftMemberList extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  @state() private search = "";
  @state() private limit = PAGE;

  constructor() {
    super();
    new Watch(this, () => [this.room?.signals.$state, this.client?.store.presence.$version]);
  }

  static override styles = [
    base,
    buttons,
    forms,
    buttonRows,
    css`
      :host {
        display: flex;
        flex-direction: column;
        background: var(--paper);
      }
      .find {
        padding: var(--space-2) var(--space-3);
      }
      .scroll {
        flex: 1;
        min-height: 0;
        padding: 0 var(--space-2) var(--space-3);
      }
      h3 {
        margin: var(--space-3) var(--space-2) var(--space-1);
        color: var(--muted);
        font-size: 0.83em;
        font-weight: 600;
      }
      .name {
        flex: 1;
        display: grid;
        min-width: 0;
      }
      .status {
        color: var(--muted);
        font-size: 0.87em;
      }
      .power {
        color: var(--muted);
        font-size: 0.8em;
      }
      .button {
        width: calc(100% - 2 * var(--space-3));
        margin: 0 var(--space-3) var(--space-2);
      }
    `,
  ];

  get #isEncrypted(): boolean {
    return this.client.encryption.rooms.algorithm(this.room) !== "none";
  }

  #sorted(members: Member[]): Member[] {
    const presence: Record<string, number> = { online: 0, unavailable: 1, offline: 2 };
    const rank = (member: Member): number =>
      presence[this.client.store.presence.of(member.userId)?.state ?? "offline"] ?? 2;
    return members
      .map((member) => ({
        member,
        power: Math.max(powerOf(this.room, member.userId), 0),
        rank: rank(member),
        name: this.room.displayName(member.userId),
      }))
      .toSorted(
        (a, b) =>
          (b.power === a.power ? 0 : b.power - a.power) ||
          a.rank - b.rank ||
          a.name.localeCompare(b.name),
      )
      .map(({ member }) => member);
  }

  #one(member: Member) {
    const name = this.room.displayName(member.userId);
    const label = powerLabel(powerOf(this.room, member.userId));
    const presence = this.client.store.presence.of(member.userId);
    const { state, status } = presence ?? {};
    const said = state === "online" ? msg("online") : state === "unavailable" ? msg("away") : "";
    return html`<li>
      <button
        type="button"
        title=${member.userId}
        @click=${() => openDialog({ kind: "member", roomId: this.room.roomId, userId: member.userId })}
      >
        <weft-avatar
          seed=${member.userId}
          name=${name}
          .mxc=${member.avatarUrl}
          .presence=${member.userId}
          size="32"
        ></weft-avatar>
        <span class="name">
          <span class="ellipsis">${name}<span class="hidden-label"> ${said}</span></span>
          ${status === undefined ? nothing : html`<span class="status ellipsis" title=${status}>${status}</span>`}
        </span>
        ${this.#isEncrypted ? html`<weft-trust-mark userId=${member.userId}></weft-trust-mark>` : nothing}
        ${label === "" ? nothing : html`<span class="power">${label}</span>`}
      </button>
    </li>`;
  }

  #section(heading: string, members: Member[]) {
    if (members.length === 0) return nothing;
    const shown = this.#sorted(members).slice(0, this.limit);
    return html`<h3>${heading}</h3>
      <ul>
        ${shown.map((member) => this.#one(member))}
      </ul>`;
  }

  readonly #onScroll = (event: Event): void => {
    const box = event.target as HTMLElement;
    if (box.scrollTop + box.clientHeight > box.scrollHeight - 400) this.limit += PAGE;
  };

  override render() {
    const wanted = this.search.toLowerCase();
    const matches = (member: Member): boolean =>
      `${member.displayName ?? ""} ${member.userId}`.toLowerCase().includes(wanted);
    const joined = this.room.members("join").filter(matches);
    const invited = this.room.members("invite").filter(matches);
    const knocking = this.room.members("knock").filter(matches);
    const canInvite =
      powerOf(this.room, this.client.session.userId) >= powerFor(this.room, "invite");
    return html`<div class="find">
        <input
          type="search"
          placeholder=${msg("Find someone")}
          aria-label=${msg("Find someone")}
          @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)}
        />
      </div>
      ${
        canInvite
          ? html`<button
              type="button"
              class="button"
              @click=${() => openDialog({ kind: "invite", roomId: this.room.roomId })}
            >
              ${icon("userPlus")} ${msg("Invite people")}
            </button>`
          : nothing
      }
      <div class="scroll" @scroll=${this.#onScroll}>
        ${this.#section(msg(str`Asking to join: ${knocking.length}`), knocking)}
        ${this.#section(msg(str`In the room: ${joined.length}`), joined)}
        ${this.#section(msg(str`Invited: ${invited.length}`), invited)}
      </div>`;
  }
}
