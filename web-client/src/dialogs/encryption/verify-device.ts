import { msg } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { Watch } from "../../controllers/watch.ts";
import type { Unlocking } from "../../encryption/port.ts";
import "../../elements/dialog.ts";
import { icon } from "../../elements/icon.ts";
import type { WeftPasswordField } from "../../elements/password-field.ts";
import "../../elements/password-field.ts";
import type { Client } from "../../store/client.ts";
import { closeDialog, openDialog } from "../../store/dialogs.ts";
import { toast } from "../../store/toasts.ts";
import { encryptionStyles } from "../../styles/encryption.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { explain } from "../../text/problems.ts";

/** Larger files are none of ours. */
const MAX_FILE = 10_000;

/** Recovery keys are base58: 48 characters and an "E" first, in groups of four. */
function looksLikeKey(text: string): boolean {
  return /^E[1-9A-HJ-NP-Za-km-z]{40,60}$/.test(text.replace(/\s+/g, ""));
}

/** What was typed as the way in that it is: a key by its looks, a passphrase where there is one. */
function unlockingOf(typed: string, hasPassphrase: boolean): Unlocking {
  return looksLikeKey(typed) || !hasPassphrase ? { recoveryKey: typed } : { passphrase: typed };
}

/** Makes a new device one of the account's: by another device, or by the recovery key. Resetting is the last way out. */
@customElement("weft-verify-device")
export class WeftVerifyDevice extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private typing = false;
  @state() private busy = false;
  @state() private problem = "";
  @query("weft-password-field") private field!: WeftPasswordField | null;
  @query("input[type=file]") private file!: HTMLInputElement;

  constructor() {
    super();
    new Watch(this, () => {
      const encryption = this.client?.encryption;
      return [encryption?.$status, encryption?.trust.devices(this.client.session.userId)];
    });
  }

  static override styles = [base, buttons, forms, encryptionStyles];

  override updated(changed: PropertyValues): void {
    if (changed.has("typing") && this.typing) this.field?.focus();
  }

  /** Whether there is another device that could say that this one is ours. */
  #hasOther(): boolean {
    const { session, encryption } = this.client;
    const devices = encryption.trust.devices(session.userId).get();
    return (
      devices === undefined ||
      devices.some((one) => one.isSigned && !one.isDehydrated && one.deviceId !== session.deviceId)
    );
  }

  readonly #ask = async (): Promise<void> => {
    this.busy = true;
    this.problem = "";
    try {
      const id = await this.client.encryption.verification.request(this.client.session.userId);
      openDialog({ kind: "verification", id });
    } catch (error) {
      this.problem = explain(error);
    }
    this.busy = false;
  };

  async #unlock(typed: string): Promise<void> {
    if (typed.trim() === "" || this.busy) return;
    this.busy = true;
    this.problem = "";
    const { account, $status } = this.client.encryption;
    try {
      await account.unlock(unlockingOf(typed, $status.get().secretStorage.hasPassphrase));
      closeDialog();
      toast(msg("This device is verified. Your earlier messages become readable now."));
    } catch (error) {
      this.problem = explain(error);
    }
    this.busy = false;
  }

  readonly #onSubmit = (event?: Event): void => {
    event?.preventDefault();
    void this.#unlock(this.field?.value ?? "");
  };

  /** The file that a recovery key was saved in: the key is the line that looks like one. */
  readonly #onFile = async (): Promise<void> => {
    const file = this.file.files?.[0];
    this.file.value = "";
    if (file === undefined) return;
    const lines = file.size > MAX_FILE ? [] : (await file.text()).split(/\r?\n/);
    const key = lines.map((line) => line.trim()).find(looksLikeKey);
    if (key === undefined) this.problem = msg("There is no recovery key in this file.");
    else void this.#unlock(key);
  };

  #problem() {
    return this.problem === ""
      ? nothing
      : html`<p class="problem" role="alert">${this.problem}</p>`;
  }

  #ways(): TemplateResult {
    const { secretStorage } = this.client.encryption.$status.get();
    const other = this.#hasOther();
    return html`<div class="lead">
        ${icon("shield")}
        <p>
          ${msg("Confirm that it is you. Then this device can read your earlier messages, and the others know that it is yours.")}
        </p>
      </div>
      ${this.#problem()}
      ${
        other
          ? html`<button type="button" class="card" ?disabled=${this.busy} @click=${this.#ask}>
              ${icon("device")}
              <span
                ><b>${msg("Use another device")}</b
                ><small>${msg("Confirm it where you are signed in already.")}</small></span
              >
            </button>`
          : nothing
      }
      ${
        secretStorage.exists
          ? html`<button
              type="button"
              class="card"
              ?disabled=${this.busy}
              @click=${() => (this.typing = true)}
            >
              ${icon("key")}
              <span
                ><b
                  >${secretStorage.hasPassphrase ? msg("Use your recovery key or passphrase") : msg("Use your recovery key")}</b
                ><small>${msg("The one that you kept when you set up encryption.")}</small></span
              >
            </button>`
          : nothing
      }
      ${other || secretStorage.exists ? nothing : html`<p>${msg("There is no other device and no recovery key for this account, so only a reset is left.")}</p>`}
      <div class="actions">
        <button
          type="button"
          class="button quiet start"
          @click=${() => openDialog({ kind: "encryption-setup", task: "reset" })}
        >
          ${other || secretStorage.exists ? msg("I have none of these") : msg("Reset your identity")}
        </button>
        <button type="button" class="button" @click=${closeDialog}>${msg("Later")}</button>
      </div>`;
  }

  #key(): TemplateResult {
    const { hasPassphrase } = this.client.encryption.$status.get().secretStorage;
    return html`<form @submit=${this.#onSubmit} autocomplete="off" novalidate>
      ${this.#problem()}
      <weft-password-field
        label=${hasPassphrase ? msg("Recovery key or passphrase") : msg("Recovery key")}
        hint=${msg("A recovery key begins with “Es” and comes in groups of four.")}
        @enter=${this.#onSubmit}
      ></weft-password-field>
      <button type="button" class="button small" @click=${() => this.file.click()}>
        ${icon("file")} ${msg("Read it from a file")}
      </button>
      <input type="file" accept=".txt,text/plain" hidden @change=${this.#onFile} />
      <div class="actions">
        <button type="button" class="button" @click=${() => (this.typing = false)}>
          ${msg("Back")}
        </button>
        <button type="submit" class="button primary" ?disabled=${this.busy}>
          ${this.busy ? msg("One moment…") : msg("Verify")}
        </button>
      </div>
    </form>`;
  }

  override render() {
    return html`<weft-dialog heading=${msg("Verify this device")}>
      ${this.typing ? this.#key() : this.#ways()}
    </weft-dialog>`;
  }
}
