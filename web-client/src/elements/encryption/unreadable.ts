import { msg } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { MatrixEvent } from "../../api/types.ts";
import type { Unreadable } from "../../encryption/port.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import type { Room } from "../../store/room.ts";
import { attempt } from "../../store/toasts.ts";
import { base, buttons } from "../../styles/shared.ts";
import { whyUnreadable } from "../../text/encryption.ts";
import { icon } from "../icon.ts";

/** Stands for a message that cannot be read (yet), with the reason and what helps. The message takes its place by itself. */
@customElement("weft-unreadable")
export class WeftUnreadable extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  @property({ attribute: false }) event!: MatrixEvent;
  /** Undefined while nobody has tried to read it. */
  @property({ attribute: false }) why: Unreadable | undefined;
  @state() private busy = false;

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
      }
      p {
        display: flex;
        align-items: center;
        gap: var(--space-2);
        min-height: 22px;
        margin: 0;
        color: var(--muted);
        font-style: italic;
        line-height: 1.45;
      }
      .icon {
        font-size: 0.8em;
      }
      .button {
        flex: none;
        min-height: 22px;
        padding: 0 var(--space-2);
        font-style: normal;
        line-height: 20px;
      }
    `,
  ];

  readonly #retry = async (): Promise<void> => {
    this.busy = true;
    const { rooms } = this.client.encryption;
    await attempt(() => rooms.retry(this.room, [this.event.event_id]));
    this.busy = false;
  };

  #help(help: "verify" | "retry" | undefined) {
    if (help === "verify" && !this.client.encryption.$status.get().device.isVerified) {
      return html`<button
        type="button"
        class="button quiet small"
        @click=${() => openDialog({ kind: "verify-device" })}
      >
        ${msg("Verify")}
      </button>`;
    }
    if (help === undefined) return nothing;
    return html`<button
      type="button"
      class="button quiet small"
      ?disabled=${this.busy}
      @click=${this.#retry}
    >
      ${this.busy ? msg("Trying…") : msg("Try again")}
    </button>`;
  }

  override render() {
    if (this.why === undefined) return html`<p>${icon("lock")} ${msg("Decrypting…")}</p>`;
    const { text, help } = whyUnreadable(this.why);
    return html`<p>${icon("lock")} <span>${text}</span> ${this.#help(help)}</p>`;
  }
}
