import { msg } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watch } from "../../controllers/watch.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { joinRule } from "../../store/power.ts";
import type { Room } from "../../store/room.ts";
import { base, buttons } from "../../styles/shared.ts";
import { icon, type IconName } from "../icon.ts";

interface Lock {
  sign: IconName;
  label: string;
  kind: "" | "good" | "bad";
}

/** What the lock of a room shows; undefined for open rooms that everyone can join, where nobody expects one. */
function lockOf(client: Client, room: Room): Lock | undefined {
  const { rooms, trust } = client.encryption;
  const algorithm = rooms.algorithm(room);
  if (algorithm === "none") {
    if (joinRule(room) === "public") return undefined;
    return { sign: "lockOpen", label: msg("Not encrypted"), kind: "" };
  }
  if (algorithm === "unknown")
    return { sign: "shieldAlert", label: msg("Unknown encryption"), kind: "bad" };
  switch (trust.room(room).get().state) {
    case "verified":
      return {
        sign: "shieldCheck",
        label: msg("Encrypted, and everyone is verified"),
        kind: "good",
      };
    case "warning":
      return {
        sign: "shieldAlert",
        label: msg("Encrypted, but an identity has changed"),
        kind: "bad",
      };
    default:
      return { sign: "lock", label: msg("Encrypted"), kind: "" };
  }
}

/** The lock in a room's header: whether the room is encrypted, and whether the people in it can be trusted. */
@customElement("weft-room-lock")
export class WeftRoomLock extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;

  constructor() {
    super();
    new Watch(this, () => {
      const { room } = this;
      if (room === undefined) return [];
      const { rooms, trust } = this.client.encryption;
      // In open rooms nobody's identity is asked for.
      const ofPeople = rooms.algorithm(room) === "megolm" ? trust.room(room) : undefined;
      return [room.signals.$state, ofPeople];
    });
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: inline-flex;
      }
      .icon {
        font-size: 0.85em;
      }
      .good {
        color: var(--good);
      }
      .bad {
        color: var(--danger);
      }
    `,
  ];

  override render() {
    const lock = lockOf(this.client, this.room);
    if (lock === undefined) return nothing;
    return html`<button
      type="button"
      class="icon-button ${lock.kind}"
      aria-label=${lock.label}
      title=${lock.label}
      @click=${() => openDialog({ kind: "room-encryption", roomId: this.room.roomId })}
    >
      ${icon(lock.sign)}
    </button>`;
  }
}
