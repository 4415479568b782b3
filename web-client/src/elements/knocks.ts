import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { text } from "../api/types.ts";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { canAct, powerFor, powerOf } from "../store/power.ts";
import type { Member, Room } from "../store/room.ts";
import { attempt } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { plainText } from "../text/names.ts";
import "./avatar.ts";

/** How many are shown before one asks for the rest. */
const SHOWN = 3;
const MAX_REASON = 300;

/** Those who ask to be let in, with why, for those who may let them in. */
@customElement("weft-knocks")
export class WeftKnocks extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  @state() private all = false;
  @state() private busy = "";

  constructor() {
    super();
    new Watch(this, () => [this.room?.signals.$state]);
  }

  static override styles = [
    base,
    buttons,
    css`
      ul {
        display: grid;
        gap: var(--space-2);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-2) var(--space-3);
        padding: var(--space-2) var(--space-3);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--raised);
      }
      .about {
        flex: 1;
        min-width: 120px;
        overflow-wrap: anywhere;
      }
      .muted {
        color: var(--muted);
        font-size: 0.9em;
      }
      .choices {
        display: flex;
        gap: var(--space-2);
      }
      .button.small {
        margin-top: var(--space-1);
      }
    `,
  ];

  /** Who may see to it: whoever may invite, or send them away. */
  static waiting(client: Client, room: Room): Member[] {
    const me = client.session.userId;
    const own = powerOf(room, me);
    const may = own >= powerFor(room, "invite") || own >= powerFor(room, "kick");
    return may && room.membership === "join" ? room.members("knock") : [];
  }

  async #letIn(userId: string): Promise<void> {
    this.busy = userId;
    await attempt(() => this.client.api.rooms.invite(this.room.roomId, userId));
    this.busy = "";
  }

  #decline(userId: string, name: string): void {
    const { client, room } = this;
    openDialog({
      kind: "confirm",
      heading: msg(str`Decline ${name}’s request?`),
      text: msg("They are told, with the reason if you give one, and may ask again."),
      action: msg("Decline"),
      danger: true,
      reason: msg("Reason (everyone can read it)"),
      run: (reason) =>
        client.api.rooms.kick(room.roomId, userId, reason === "" ? undefined : reason),
    });
  }

  #one({ userId, avatarUrl }: Member) {
    const { room } = this;
    const me = this.client.session.userId;
    const name = room.displayName(userId);
    const reason = text(room.stateEvent("m.room.member", userId)?.content, "reason") ?? "";
    const said = plainText(reason.slice(0, MAX_REASON)).trim();
    const mayInvite = powerOf(room, me) >= powerFor(room, "invite");
    return html`<li>
      <weft-avatar seed=${userId} name=${name} .mxc=${avatarUrl} size="34"></weft-avatar>
      <span class="about">
        ${msg(str`${name} asks to join`)}<br />
        <span class="muted"
          >${plainText(userId)}${said === "" ? nothing : html` · <bdi>${said}</bdi>`}</span
        >
      </span>
      <span class="choices">
        ${
          mayInvite
            ? html`<button
                type="button"
                class="button small primary"
                aria-label=${msg(str`Let in: ${name}`)}
                ?disabled=${this.busy !== ""}
                @click=${() => void this.#letIn(userId)}
              >
                ${msg("Let in")}
              </button>`
            : nothing
        }
        ${
          canAct(room, "kick", me, userId)
            ? html`<button
                type="button"
                class="button small"
                aria-label=${msg(str`Decline: ${name}`)}
                @click=${() => this.#decline(userId, name)}
              >
                ${msg("Decline")}
              </button>`
            : nothing
        }
      </span>
    </li>`;
  }

  override render() {
    const waiting = WeftKnocks.waiting(this.client, this.room);
    if (waiting.length === 0) return nothing;
    const shown = this.all ? waiting.slice(0, 100) : waiting.slice(0, SHOWN);
    return html`<ul aria-label=${msg("Asking to join")}>
        ${shown.map((member) => this.#one(member))}
      </ul>
      ${
        waiting.length > shown.length && !this.all
          ? html`<button type="button" class="button small quiet" @click=${() => (this.all = true)}>
              ${msg(str`Show all ${waiting.length} who ask`)}
            </button>`
          : nothing
      }`;
  }
}
