import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { Watch } from "../../controllers/watch.ts";
import type { EncryptionStatus } from "../../encryption/port.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { attempt } from "../../store/toasts.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { whyNoEncryption } from "../../text/encryption.ts";
import { icon } from "../icon.ts";

interface Fact {
  title: string;
  text: string;
  isGood: boolean;
}

function deviceFact({ device, crossSigning }: EncryptionStatus): Fact {
  const title = msg("This device");
  if (device.isVerified)
    return { title, text: msg("Verified. Others can see that it is yours."), isGood: true };
  return crossSigning.exists
    ? { title, text: msg("Not verified yet. It cannot read earlier messages."), isGood: false }
    : { title, text: msg("Encryption is not set up yet."), isGood: false };
}

function backupFact({ backup }: EncryptionStatus): Fact {
  const title = msg("Backup");
  if (backup.version === undefined)
    return { title, text: msg("There is none: keys are on your devices only."), isGood: false };
  if (!backup.isActive)
    return { title, text: msg("There is one, but this device does not add to it."), isGood: false };
  return backup.waiting > 0
    ? { title, text: msg(str`On. ${backup.waiting} keys are on their way to it.`), isGood: true }
    : { title, text: msg("On. Every key of this device is in it."), isGood: true };
}

function recoveryFact({ secretStorage }: EncryptionStatus): Fact {
  const title = msg("Recovery");
  if (!secretStorage.exists)
    return {
      title,
      text: msg("There is no recovery key. Without devices nothing could be restored."),
      isGood: false,
    };
  return {
    title,
    text: secretStorage.hasPassphrase
      ? msg("A recovery key or your passphrase restores your messages.")
      : msg("A recovery key restores your messages."),
    isGood: true,
  };
}

/** How encryption stands for this account and device, and what can be done about it. */
@customElement("weft-settings-encryption")
export class WeftSettingsEncryption extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private busy = false;

  constructor() {
    super();
    new Watch(this, () => [this.client?.encryption.$status]);
  }

  static override styles = [
    base,
    buttons,
    forms,
    css`
      ul {
        margin: 0 0 var(--space-4);
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        align-items: flex-start;
        gap: var(--space-3);
        padding: var(--space-3) 0;
        border-bottom: 1px solid var(--line);
      }
      .good {
        color: var(--good);
      }
      .bad {
        color: var(--highlight);
      }
      b {
        display: block;
        font-weight: 600;
      }
      small,
      p {
        color: var(--muted);
        font-size: 0.92em;
      }
      p {
        margin: 0 0 var(--space-3);
      }
      section {
        margin-top: var(--space-6);
      }
      h2 {
        margin: 0 0 var(--space-1);
        font-size: 1em;
      }
      .choices {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
      }
      code {
        color: var(--text);
        font-family: var(--mono);
        overflow-wrap: anywhere;
      }
    `,
  ];

  readonly #restart = async (): Promise<void> => {
    this.busy = true;
    await attempt(() => this.client.encryption.account.restart());
    this.busy = false;
  };

  #fact(fact: Fact): TemplateResult {
    return html`<li>
      <span class=${fact.isGood ? "good" : "bad"}
        >${icon(fact.isGood ? "shieldCheck" : "shieldAlert")}</span
      >
      <span><b>${fact.title}</b><small>${fact.text}</small></span>
    </li>`;
  }

  #next({ next }: EncryptionStatus) {
    if (next === undefined) return nothing;
    const label =
      next === "verify"
        ? msg("Verify this device")
        : next === "set-up"
          ? msg("Set up encryption")
          : msg("Make a recovery key");
    return html`<button
      type="button"
      class="button primary"
      @click=${() => openDialog({ kind: next === "verify" ? "verify-device" : "encryption-setup" })}
    >
      ${label}
    </button>`;
  }

  /** Whoever has lost the recovery key makes another one while a verified device is there. */
  #renew({ next, crossSigning, secretStorage }: EncryptionStatus) {
    if (next !== undefined || !crossSigning.hasKeys || !secretStorage.exists) return nothing;
    return html`<button
      type="button"
      class="button"
      @click=${() => openDialog({ kind: "encryption-setup", task: "renew" })}
    >
      ${icon("key")} ${msg("New recovery key")}
    </button>`;
  }

  #keyFiles() {
    return html`<section>
      <h2>${msg("Keys in a file")}</h2>
      <p>${msg("For moving to another app without a backup, or as a copy of your own.")}</p>
      <div class="choices">
        <button
          type="button"
          class="button"
          @click=${() => openDialog({ kind: "key-file", way: "export" })}
        >
          ${icon("download")} ${msg("Export keys")}
        </button>
        <button
          type="button"
          class="button"
          @click=${() => openDialog({ kind: "key-file", way: "import" })}
        >
          ${icon("file")} ${msg("Import keys")}
        </button>
      </div>
    </section>`;
  }

  #reset({ crossSigning }: EncryptionStatus) {
    if (!crossSigning.exists) return nothing;
    return html`<section>
      <h2>${msg("Reset your identity")}</h2>
      <p>${msg("The last way out, when every verified device and the recovery key are lost.")}</p>
      <button
        type="button"
        class="button"
        @click=${() => openDialog({ kind: "encryption-setup", task: "reset" })}
      >
        ${msg("Reset…")}
      </button>
    </section>`;
  }

  #session({ device }: EncryptionStatus) {
    return html`<section>
      <h2>${msg("Fingerprint of this device")}</h2>
      <p>
        <code>${device.fingerprint}</code><br />${msg("Device id:")} <code>${device.deviceId}</code>
      </p>
    </section>`;
  }

  override render() {
    const status = this.client.encryption.$status.get();
    if (status.engine === "starting")
      return html`<p role="status">${msg("Getting encryption ready…")}</p>`;
    if (status.engine !== "ready") {
      const problem = status.problem ?? "";
      return html`<div role="alert">
          <p>
            ${msg("Encryption does not work in this browser window.")} ${whyNoEncryption(problem)}
          </p>
          <p>
            ${msg("Keys that others send to this device meanwhile wait on the server: nothing is lost.")}
          </p>
          ${problem === "" ? nothing : html`<p><small>${problem}</small></p>`}
        </div>
        ${
          status.engine === "failed"
            ? html`<button
                type="button"
                class="button primary"
                ?disabled=${this.busy}
                @click=${this.#restart}
              >
                ${msg("Try again")}
              </button>`
            : nothing
        }`;
    }
    const facts = [deviceFact(status), backupFact(status), recoveryFact(status)];
    return html`<ul aria-label=${msg("How encryption stands")}>
        ${facts.map((fact) => this.#fact(fact))}
      </ul>
      ${this.#next(status)} ${this.#renew(status)} ${this.#keyFiles()} ${this.#reset(status)}
      ${this.#session(status)}`;
  }
}
