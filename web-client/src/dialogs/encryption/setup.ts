import { msg } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, queryAll, state } from "lit/decorators.js";
import { ApiError } from "../../api/errors.ts";
import { NeedsProof, type Proofs } from "../../api/uia.ts";
import "../../elements/account-page.ts";
import "../../elements/dialog.ts";
import "../../elements/encryption/recovery-key.ts";
import { icon } from "../../elements/icon.ts";
import type { WeftPasswordField } from "../../elements/password-field.ts";
import "../../elements/password-field.ts";
import type { Client } from "../../store/client.ts";
import { closeDialog, holdDialog } from "../../store/dialogs.ts";
import { toast } from "../../store/toasts.ts";
import { encryptionStyles } from "../../styles/encryption.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { explain } from "../../text/problems.ts";

/** Milliseconds after which setting up may be left, though a key may come that nobody sees. */
const PATIENCE = 30_000;

/** Shorter passphrases can be guessed by whoever gets at the server's copy. */
const SHORTEST = 12;

type Stage = "warning" | "choose" | "password" | "elsewhere" | "working" | "key";

function onUnload(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

/**
 * Sets up identity and backup in one step, and hands out the recovery key; `renew` makes another key for what is there, `reset`
 * gives all of it up first.
 */
@customElement("weft-encryption-setup")
export class WeftEncryptionSetup extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property() task: "set-up" | "renew" | "reset" = "set-up";
  @state() private stage: Stage = "choose";
  @state() private withPassphrase = false;
  @state() private problem = "";
  @state() private recoveryKey = "";
  @state() private kept = false;
  @queryAll("weft-password-field") private fields!: NodeListOf<WeftPasswordField>;
  @state() private isSlow = false;
  /** Whether the way to the page of the account was shown before. */
  #wasElsewhere = false;
  #passphrase: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  static override styles = [base, buttons, forms, encryptionStyles];

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("task") && this.task === "reset") this.stage = "warning";
  }

  override disconnectedCallback(): void {
    clearTimeout(this.#timer);
    window.removeEventListener("beforeunload", onUnload);
    holdDialog(false);
    super.disconnectedCallback();
  }

  override updated(changed: PropertyValues): void {
    if (!changed.has("stage")) return;
    // The window stays, but what is in it is new: whoever does not see it hears where they are.
    if (changed.get("stage") !== undefined) {
      this.renderRoot.querySelector<HTMLElement>("[data-first]")?.focus();
    }
  }

  async #run(proofs?: Proofs): Promise<void> {
    this.stage = "working";
    this.problem = "";
    this.isSlow = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.isSlow = true), PATIENCE);
    // From here on there may be a key that is shown only once.
    holdDialog(true);
    const { account } = this.client.encryption;
    const options = {
      ...(this.#passphrase ? { passphrase: this.#passphrase } : {}),
      ...(proofs ? { proofs } : {}),
    };
    try {
      const done = await (this.task === "reset" ? account.reset(options) : account.setUp(options));
      if (!this.isConnected) return;
      window.addEventListener("beforeunload", onUnload);
      this.recoveryKey = done.recoveryKey;
      this.stage = "key";
    } catch (error) {
      if (this.isConnected) this.#explain(error, proofs !== undefined);
    }
  }

  #explain(error: unknown, tried: boolean): void {
    holdDialog(false);
    if (error instanceof NeedsProof && error.stage === "m.login.password") {
      this.stage = "password";
    } else if (error instanceof NeedsProof && error.stage === "m.oauth") {
      this.stage = "elsewhere";
      this.problem = this.#wasElsewhere ? msg("It is not confirmed there yet.") : "";
      this.#wasElsewhere = true;
    } else if (tried && error instanceof ApiError && [401, 403].includes(error.status)) {
      this.stage = "password";
      this.problem = msg("This password is not right.");
    } else {
      this.stage = "choose";
      this.problem = explain(error);
    }
  }

  readonly #onChoose = (event?: Event): void => {
    event?.preventDefault();
    this.problem = "";
    this.#passphrase = undefined;
    if (this.withPassphrase) {
      const [first = "", second = ""] = [...this.fields].map((field) => field.value);
      if (first.length < SHORTEST) {
        this.problem = msg("Choose a passphrase of at least twelve characters.");
        return;
      }
      if (first !== second) {
        this.problem = msg("The two passphrases differ.");
        return;
      }
      this.#passphrase = first;
    }
    void this.#run();
  };

  readonly #onPassword = (event: Event): void => {
    event.preventDefault();
    const { userId } = this.client.session;
    void this.#run({ password: { userId, password: this.fields[0]?.value ?? "" } });
  };

  readonly #done = (): void => {
    closeDialog();
    toast(
      this.task === "reset"
        ? msg("Your new identity is set up.")
        : msg("Your messages are backed up."),
    );
  };

  #problem() {
    return this.problem === ""
      ? nothing
      : html`<p class="problem" role="alert">${this.problem}</p>`;
  }

  #warning(): TemplateResult {
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        this.stage = "choose";
      }}
    >
      <div class="lead warning">
        ${icon("shieldAlert")}
        <p>
          ${msg("Only do this if you have lost your recovery key and every device that you verified.")}
        </p>
      </div>
      <ul class="losses">
        <li>
          ${msg("Encrypted messages that are only in the old backup can never be read again.")}
        </li>
        <li>${msg("Everyone who verified you sees a warning that your identity changed.")}</li>
        <li>${msg("Your other devices have to be verified again.")}</li>
      </ul>
      <div class="actions">
        <button type="button" class="button" autofocus @click=${closeDialog}>
          ${msg("Cancel")}
        </button>
        <button type="submit" class="button danger">${msg("Reset anyway")}</button>
      </div>
    </form>`;
  }

  #way(withPassphrase: boolean, title: string, hint: string): TemplateResult {
    return html`<label class="card">
      <input
        type="radio"
        name="way"
        .checked=${this.withPassphrase === withPassphrase}
        @change=${() => (this.withPassphrase = withPassphrase)}
      />
      <span><b>${title}</b><small>${hint}</small></span>
    </label>`;
  }

  #choose(): TemplateResult {
    const actions = { "set-up": msg("Set up"), renew: msg("Make a new key"), reset: msg("Reset") };
    return html`<form @submit=${this.#onChoose} autocomplete="off" novalidate>
      <div class="lead" tabindex="-1" data-first>
        ${icon("shield")}
        <p>
          ${
            this.task === "renew"
              ? msg(
                  "The new key takes the place of the one that you have, which opens nothing then.",
                )
              : msg(
                  "Your messages are encrypted: only you and the people you write to can read them. A recovery key lets you read them on a new device, or if you lose this one.",
                )
          }
        </p>
      </div>
      ${this.#problem()}
      <fieldset aria-label=${msg("How to recover your messages")}>
        ${this.#way(
          false,
          msg("Recovery key"),
          msg("Weft makes a key. Keep it in a password manager or on paper."),
        )}
        ${this.#way(
          true,
          msg("Passphrase"),
          msg("Choose one that you will remember. You get a recovery key as well."),
        )}
      </fieldset>
      ${
        this.withPassphrase
          ? html`<weft-password-field
                label=${msg("Passphrase")}
                hint=${msg("At least twelve characters, and not your password.")}
                autocomplete="new-password"
              ></weft-password-field>
              <weft-password-field
                label=${msg("The passphrase again")}
                autocomplete="new-password"
                @enter=${this.#onChoose}
              ></weft-password-field>`
          : nothing
      }
      <div class="actions">
        <button type="button" class="button" @click=${closeDialog}>
          ${this.task === "set-up" ? msg("Later") : msg("Cancel")}
        </button>
        <button type="submit" class="button primary" autofocus>${actions[this.task]}</button>
      </div>
    </form>`;
  }

  #password(): TemplateResult {
    return html`<form @submit=${this.#onPassword}>
      <p tabindex="-1" data-first>
        ${msg("Enter your account password to confirm that it is you.")}
      </p>
      ${this.#problem()}
      <weft-password-field
        label=${msg("Password")}
        @enter=${this.#onPassword}
      ></weft-password-field>
      <div class="actions">
        <button type="button" class="button" @click=${closeDialog}>${msg("Cancel")}</button>
        <button type="submit" class="button primary">${msg("Continue")}</button>
      </div>
    </form>`;
  }

  /** Who has signed in on a page of the server confirms it there. */
  #elsewhere(): TemplateResult {
    return html`<p tabindex="-1" data-first>
        ${msg("Confirm on the page of your account that it is you. Then come back here.")}
      </p>
      ${this.#problem()}
      <weft-account-page action="org.matrix.cross_signing_reset"></weft-account-page>
      <div class="actions">
        <button type="button" class="button" @click=${closeDialog}>${msg("Cancel")}</button>
        <button type="button" class="button primary" @click=${() => void this.#run()}>
          ${msg("I have confirmed it")}
        </button>
      </div>`;
  }

  #key(): TemplateResult {
    return html`<div class="lead" tabindex="-1" data-first>
        ${icon("key")}
        <div>
          <p>
            ${msg("Keep this key somewhere safe. Anyone who has it can read your messages, and nobody can give you another copy.")}
          </p>
          ${this.#passphrase === undefined ? nothing : html`<p>${msg("You need it only if you forget your passphrase.")}</p>`}
        </div>
      </div>
      <weft-recovery-key
        .value=${this.recoveryKey}
        userId=${this.client.session.userId}
        @kept=${() => (this.kept = true)}
      ></weft-recovery-key>
      <label class="choice">
        <input
          type="checkbox"
          .checked=${this.kept}
          @change=${(event: Event) => (this.kept = (event.target as HTMLInputElement).checked)}
        />
        ${msg("I have put it somewhere safe")}
      </label>
      <div class="actions">
        <button type="button" class="button primary" ?disabled=${!this.kept} @click=${this.#done}>
          ${msg("Done")}
        </button>
      </div>`;
  }

  #body(): TemplateResult {
    switch (this.stage) {
      case "warning":
        return this.#warning();
      case "password":
        return this.#password();
      case "elsewhere":
        return this.#elsewhere();
      case "working":
        return html`<div class="working" role="status" tabindex="-1" data-first>
          <span class="spinner" aria-hidden="true"></span>${
            this.isSlow
              ? msg(
                  "This takes longer than it should. If you close this window, make a new recovery key in the settings later.",
                )
              : msg("Setting up. This takes a moment…")
          }
        </div>`;
      case "key":
        return this.#key();
      default:
        return this.#choose();
    }
  }

  override render() {
    const headings = {
      "set-up": msg("Secure your messages"),
      renew: msg("New recovery key"),
      reset: msg("Reset your identity"),
    };
    const heading = this.stage === "key" ? msg("Your recovery key") : headings[this.task];
    const locked = this.stage === "key" || (this.stage === "working" && !this.isSlow);
    return html`<weft-dialog heading=${heading} ?locked=${locked}>${this.#body()}</weft-dialog>`;
  }
}
