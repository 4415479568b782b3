import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import type { EncryptionStatus } from "../encryption/port.ts";
import "../elements/dialog.ts";
import { icon } from "../elements/icon.ts";
import { signOut } from "../store/account.ts";
import type { Client } from "../store/client.ts";
import { closeDialog, openDialog, type DialogRequest } from "../store/dialogs.ts";
import { attempt } from "../store/toasts.ts";
import { encryptionStyles } from "../styles/encryption.ts";
import { base, buttons, forms } from "../styles/shared.ts";

interface Loss {
  words: string;
  /** The way to prevent it. */
  mend?: { label: string; request: DialogRequest };
}

/** What the person would lose with this device's keys; undefined when they are safe elsewhere. */
function lossOf(status: EncryptionStatus): Loss | undefined {
  const { engine, backup, secretStorage, next } = status;
  if (engine === "off") return undefined;
  if (backup.version === undefined || !backup.isActive) {
    const words = msg(
      "The keys to your encrypted messages are on this device only. If you sign out, you may never be able to read them again.",
    );
    if (next === "verify") {
      const label = msg("Verify this device");
      return { words, mend: { label, request: { kind: "verify-device" } } };
    }
    if (next === undefined) return { words };
    return { words, mend: { label: msg("Set up backup"), request: { kind: "encryption-setup" } } };
  }
  if (backup.waiting > 0) {
    return {
      words: msg(
        str`${backup.waiting} keys are not backed up yet. Wait until they are; this line goes away then.`,
      ),
    };
  }
  if (!secretStorage.exists) {
    return {
      words: msg(
        "There is no recovery key. If this is your last device, you can never read your encrypted messages again.",
      ),
      mend: { label: msg("Make a recovery key"), request: { kind: "encryption-setup" } },
    };
  }
  return undefined;
}

/** Asks before the session ends, and warns of keys that would go with it. */
@customElement("weft-sign-out")
export class WeftSignOut extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private busy = false;

  constructor() {
    super();
    new Watch(this, () => [this.client?.encryption.$status]);
  }

  static override styles = [base, buttons, forms, encryptionStyles];

  readonly #out = async (): Promise<void> => {
    this.busy = true;
    await attempt(() => signOut(this.client));
    this.busy = false;
    closeDialog();
  };

  #warning(loss: Loss) {
    return html`<div class="lead warning">
      ${icon("shieldAlert")}
      <p role="status">${loss.words}</p>
    </div>`;
  }

  override render() {
    const loss = lossOf(this.client.encryption.$status.get());
    const mend = loss?.mend;
    return html`<weft-dialog heading=${msg("Sign out?")}>
      ${loss === undefined ? nothing : this.#warning(loss)}
      <p>
        ${
          this.client.encryption.$status.get().engine === "off"
            ? msg("This browser forgets your rooms and messages. They stay on the server.")
            : msg(
                "This browser forgets your rooms, messages and keys. To read encrypted messages when you sign in again, you need your recovery key or another device.",
              )
        }
      </p>
      <div class="actions">
        <button type="button" class="button" ?autofocus=${mend === undefined} @click=${closeDialog}>
          ${msg("Cancel")}
        </button>
        ${
          mend === undefined
            ? nothing
            : html`<button
                type="button"
                class="button primary"
                autofocus
                @click=${() => openDialog(mend.request)}
              >
                ${mend.label}
              </button>`
        }
        <button
          type="button"
          class="button ${loss === undefined ? "primary" : "danger"}"
          ?disabled=${this.busy}
          @click=${this.#out}
        >
          ${loss === undefined ? msg("Sign out") : msg("Sign out anyway")}
        </button>
      </div>
    </weft-dialog>`;
  }
}
