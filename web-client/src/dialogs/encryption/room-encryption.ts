import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watch } from "../../controllers/watch.ts";
import "../../elements/avatar.ts";
import "../../elements/dialog.ts";
import "../../elements/encryption/identity-warning.ts";
import { icon } from "../../elements/icon.ts";
import type { Client } from "../../store/client.ts";
import { canEncrypt } from "../../store/actions.ts";
import { openDialog } from "../../store/dialogs.ts";
import { canSend } from "../../store/power.ts";
import type { Room } from "../../store/room.ts";
import { confirmEncryption } from "../../store/turn-on-encryption.ts";
import { encryptionStyles } from "../../styles/encryption.ts";
import { base, buttonRows, buttons, forms } from "../../styles/shared.ts";

/** How many of those who are not verified are named. */
const NAMED = 30;

/** What the lock of a room means: who can read it, who is verified, and whose identity changed. */
@customElement("weft-room-encryption")
export class WeftRoomEncryption extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) roomId = "";

  constructor() {
    super();
    new Watch(this, () => {
      const room = this.client?.store.room(this.roomId);
      if (room === undefined) return [];
      const { rooms, trust } = this.client.encryption;
      const ofPeople = rooms.algorithm(room) === "megolm" ? trust.room(room) : undefined;
      return [room.signals.$state, ofPeople];
    });
  }

  static override styles = [
    base,
    buttons,
    forms,
    encryptionStyles,
    buttonRows,
    css`
      h3 {
        margin: var(--space-4) 0 var(--space-2);
        font-size: 1em;
      }
      .more {
        color: var(--muted);
      }
    `,
  ];

  get #room(): Room {
    return this.client.store.ensure(this.roomId);
  }

  #lead(sign: "lock" | "lockOpen" | "shieldCheck" | "shieldAlert", text: string) {
    return html`<div class="lead ${sign === "shieldAlert" ? "warning" : ""}">
      ${icon(sign)}
      <p>${text}</p>
    </div>`;
  }

  #open(room: Room): TemplateResult {
    const { userId } = this.client.session;
    const may = canEncrypt(this.client) && canSend(room, userId, "m.room.encryption", true);
    return html`${this.#lead(
      "lockOpen",
      msg(
        "Messages here are not encrypted. Those who run the servers of this room’s members can read them.",
      ),
    )}
    ${
      may
        ? html`<div class="actions">
            <button
              type="button"
              class="button primary"
              @click=${() => confirmEncryption(this.client, room)}
            >
              ${msg("Turn on encryption")}
            </button>
          </div>`
        : nothing
    }`;
  }

  #people(room: Room, userIds: readonly string[]) {
    if (userIds.length === 0) return nothing;
    const rest = userIds.length - NAMED;
    return html`<h3>${msg(str`Not verified yet: ${userIds.length}`)}</h3>
      <ul>
        ${userIds.slice(0, NAMED).map(
          (userId) =>
            html`<li>
              <button
                type="button"
                @click=${() => openDialog({ kind: "member", roomId: room.roomId, userId })}
              >
                <weft-avatar
                  seed=${userId}
                  name=${room.displayName(userId)}
                  .mxc=${room.member(userId)?.avatarUrl}
                  size="28"
                ></weft-avatar>
                <span class="ellipsis">${room.displayName(userId)}</span>
              </button>
            </li>`,
        )}
      </ul>
      ${rest > 0 ? html`<p class="more">${msg(str`and ${rest} more`)}</p>` : nothing}`;
  }

  #encrypted(room: Room): TemplateResult {
    const { state, changed, unverified } = this.client.encryption.trust.room(room).get();
    const verified = state === "verified";
    return html`${this.#lead(
      state === "warning" ? "shieldAlert" : verified ? "shieldCheck" : "lock",
      verified
        ? msg(
            "Messages here are encrypted, and you have verified everyone: nobody else can read them.",
          )
        : msg(
            "Messages here are encrypted: only the people in this room can read them, not even the servers.",
          ),
    )}
    ${changed.map(
      (userId) =>
        html`<weft-identity-warning
          .client=${this.client}
          .room=${room}
          .userId=${userId}
        ></weft-identity-warning>`,
    )}
    ${this.#people(room, unverified)}`;
  }

  #body(room: Room): TemplateResult {
    switch (this.client.encryption.rooms.algorithm(room)) {
      case "none":
        return this.#open(room);
      case "unknown":
        return this.#lead(
          "shieldAlert",
          msg(
            "This room is encrypted in a way that Weft does not know. You can neither read nor write here.",
          ),
        );
      default:
        return this.#encrypted(room);
    }
  }

  override render() {
    return html`<weft-dialog heading=${msg("Encryption")}>${this.#body(this.#room)}</weft-dialog>`;
  }
}
