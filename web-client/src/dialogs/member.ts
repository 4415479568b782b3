import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Profile } from "../api/types.ts";
import { Watch } from "../controllers/watch.ts";
import { openDirect } from "../store/actions.ts";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { canAct, powerFor, powerOf } from "../store/power.ts";
import { setIgnored } from "../store/ignored.ts";
import { localName, type Room } from "../store/room.ts";
import { navigate } from "../store/router.ts";
import { attempt } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { powerLabel } from "../elements/power-label.ts";
import { presenceLine } from "../elements/presence-line.ts";
import { icon } from "../elements/icon.ts";
import "../elements/avatar.ts";
import "../elements/encryption/person-trust.ts";
import "../elements/dialog.ts";
import { plainName } from "../text/names.ts";

/** A person, as seen from a room: who they are and what one can do. */
@customElement("weft-member-card")
export class WeftMemberCard extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) roomId = "";
  @property({ attribute: false }) userId = "";
  @state() private profile: Profile | undefined;
  @state() private busy = false;

  static override styles = [
    base,
    buttons,
    css`
      .card {
        display: grid;
        justify-items: center;
        gap: var(--space-1);
        text-align: center;
      }
      p.name {
        margin: var(--space-3) 0 0;
        color: var(--text);
        font-size: 1.2em;
        font-weight: 600;
      }
      p {
        max-width: 100%;
        margin: 0;
        color: var(--muted);
        overflow-wrap: anywhere;
      }
      .choices {
        display: flex;
        flex-wrap: wrap;
        justify-content: center;
        gap: var(--space-2);
        margin-top: var(--space-5);
      }
    `,
  ];

  override firstUpdated(): void {
    if (this.#room?.member(this.userId) !== undefined) return;
    this.client.api.account.profile(this.userId).then(
      (profile) => (this.profile = profile),
      () => undefined,
    );
  }

  get #room(): Room | undefined {
    return this.client.store.room(this.roomId);
  }

  async #write(): Promise<void> {
    this.busy = true;
    const roomId = await attempt(() => openDirect(this.client, this.userId));
    this.busy = false;
    if (roomId !== undefined) navigate({ page: "room", room: roomId, via: [] });
  }

  #remove(name: string, action: "kick" | "ban"): void {
    const { client, roomId, userId } = this;
    openDialog({
      kind: "confirm",
      heading: action === "kick" ? msg(str`Remove ${name}?`) : msg(str`Ban ${name}?`),
      text:
        action === "kick"
          ? msg("They leave the room now, and may come back if the room lets them.")
          : msg("They leave the room now and cannot come back."),
      action: action === "kick" ? msg("Remove") : msg("Ban"),
      danger: true,
      reason: msg("Reason (everyone can read it)"),
      run: (reason) => client.api.rooms[action](roomId, userId, reason === "" ? undefined : reason),
    });
  }

  constructor() {
    super();
    new Watch(this, () => [this.client?.store.presence.$of(this.userId)]);
  }

  #ignoring(name: string) {
    const isOn = this.client.store.ignores(this.userId);
    const toggle = (): void => {
      const set = async (): Promise<void> => {
        await attempt(() => setIgnored(this.client, this.userId, !isOn));
        this.requestUpdate();
      };
      if (isOn) {
        void set();
        return;
      }
      openDialog({
        kind: "confirm",
        heading: msg(str`Ignore ${name}?`),
        text: msg(
          "You see nothing more of what they write or send, in any room, and get no invitations from them. They are not told. You can change it again here.",
        ),
        action: msg("Ignore"),
        run: () => setIgnored(this.client, this.userId, true),
      });
    };
    return html`<button type="button" class="button" aria-pressed=${isOn} @click=${toggle}>
        ${icon("userX")} ${isOn ? msg("No longer ignore") : msg("Ignore")}
      </button>
      <button
        type="button"
        class="button"
        @click=${() => openDialog({ kind: "report-person", userId: this.userId, name })}
      >
        ${icon("flag")} ${msg("Report")}
      </button>`;
  }

  /** Whoever asks to join is let in or declined. */
  #knock(room: Room) {
    const me = this.client.session.userId;
    const { rooms } = this.client.api;
    const letIn = (): void => void attempt(() => rooms.invite(this.roomId, this.userId));
    const decline = (): void => void attempt(() => rooms.kick(this.roomId, this.userId));
    return html`${
      powerOf(room, me) >= powerFor(room, "invite")
        ? html`<button type="button" class="button primary" @click=${letIn}>
            ${msg("Let in")}
          </button>`
        : nothing
    }
    ${
      canAct(room, "kick", me, this.userId)
        ? html`<button type="button" class="button" @click=${decline}>${msg("Decline")}</button>`
        : nothing
    }`;
  }

  #moderation(room: Room, name: string) {
    const me = this.client.session.userId;
    const membership = room.member(this.userId)?.membership;
    if (membership === "knock") return this.#knock(room);
    if (membership === "ban") {
      if (powerOf(room, me) < powerFor(room, "ban")) return nothing;
      const unban = (): void =>
        void attempt(() => this.client.api.rooms.unban(this.roomId, this.userId));
      return html`<button type="button" class="button" @click=${unban}>
        ${msg("Lift the ban")}
      </button>`;
    }
    const present = membership === "join" || membership === "invite";
    return html`${
      present && canAct(room, "kick", me, this.userId)
        ? html`<button type="button" class="button" @click=${() => this.#remove(name, "kick")}>
            ${msg("Remove")}
          </button>`
        : nothing
    }
    ${
      canAct(room, "ban", me, this.userId)
        ? html`<button
            type="button"
            class="button danger"
            @click=${() => this.#remove(name, "ban")}
          >
            ${icon("ban")} ${msg("Ban")}
          </button>`
        : nothing
    }`;
  }

  override render() {
    const room = this.#room;
    const member = room?.member(this.userId);
    const name =
      member?.displayName ?? plainName(this.profile?.displayname) ?? localName(this.userId);
    const presence = this.client.store.presence.of(this.userId);
    const isMe = this.userId === this.client.session.userId;
    const label = room === undefined ? "" : powerLabel(powerOf(room, this.userId));
    const isEncrypted = this.client.encryption.$status.get().engine === "ready";
    return html`<weft-dialog heading=${msg("Profile")}>
      <div class="card">
        <weft-avatar
          seed=${this.userId}
          name=${name}
          .mxc=${member?.avatarUrl ?? this.profile?.avatar_url}
          .presence=${this.userId}
          size="84"
        ></weft-avatar>
        <p class="name">${name}</p>
        <p>${this.userId}</p>
        <p>${[label, presenceLine(presence)].filter((part) => part !== "").join(" · ")}</p>
        ${
          isEncrypted
            ? html`<weft-person-trust
                .client=${this.client}
                .room=${room}
                .userId=${this.userId}
              ></weft-person-trust>`
            : nothing
        }
        ${
          isMe
            ? nothing
            : html`<div class="choices">
                <button
                  type="button"
                  class="button primary"
                  ?disabled=${this.busy}
                  @click=${() => void this.#write()}
                >
                  ${icon("message")} ${msg("Send a message")}
                </button>
                ${this.#ignoring(name)}
                ${room === undefined ? nothing : this.#moderation(room, name)}
              </div>`
        }
      </div>
    </weft-dialog>`;
  }
}
