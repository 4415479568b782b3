import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Address } from "../api/contact.ts";
import { ApiError } from "../api/errors.ts";
import { throughAuth } from "../api/uia.ts";
import type { Client } from "../store/client.ts";
import { closeAccount } from "../store/account.ts";
import { openDialog } from "../store/dialogs.ts";
import { attempt, toast } from "../store/toasts.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { explain } from "../text/problems.ts";
import { plainName } from "../text/names.ts";
import "./account-page.ts";
import { icon } from "./icon.ts";
import type { WeftPasswordField } from "./password-field.ts";
import "./password-field.ts";

/** An address that a link was sent to, and how the server knows it again. */
interface Pending {
  readonly email: string;
  readonly sid: string;
  readonly secret: string;
}

/** The e-mail addresses of the account, and its end. */
@customElement("weft-settings-account")
export class WeftSettingsAccount extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private addresses: readonly Address[] = [];
  @state() private pending: Pending | undefined;
  @state() private problem = "";
  @state() private closing = "";
  @state() private busy = false;
  @query("#email") private email!: HTMLInputElement;
  @query("#email-password") private emailPassword!: WeftPasswordField;
  @query("#close-password") private closePassword!: WeftPasswordField;
  @query("#erase") private erase!: HTMLInputElement;

  static override styles = [
    base,
    buttons,
    forms,
    css`
      section {
        padding-bottom: var(--space-6);
      }
      h2 {
        margin: 0 0 var(--space-3);
        font-size: 1em;
      }
      ul {
        margin: 0 0 var(--space-3);
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        align-items: center;
        gap: var(--space-2);
        overflow-wrap: anywhere;
      }
      p {
        margin: 0 0 var(--space-3);
      }
      .row {
        display: flex;
        gap: var(--space-2);
      }
    `,
  ];

  override firstUpdated(): void {
    void this.#load();
  }

  async #load(): Promise<void> {
    this.addresses = (await attempt(() => this.client.api.contact.addresses())) ?? [];
  }

  #explain(error: unknown): string {
    if (!(error instanceof ApiError)) return explain(error);
    const { errcode, status } = error;
    if (errcode === "M_THREEPID_IN_USE") return msg("This address belongs to another account.");
    if (errcode === "M_THREEPID_AUTH_FAILED") {
      return msg("The address is not confirmed yet. Follow the link in the mail first.");
    }
    if (errcode === "M_INVALID_PARAM" || errcode === "M_BAD_JSON") {
      return msg("This is no e-mail address that the server takes.");
    }
    if (errcode === "M_THREEPID_MEDIUM_NOT_SUPPORTED") {
      return msg("This server sends no e-mail.");
    }
    return status === 401 ? msg("This password is not right.") : explain(error);
  }

  async #try(work: () => Promise<void>): Promise<void> {
    this.busy = true;
    this.problem = "";
    try {
      await work();
    } catch (error) {
      this.problem = this.#explain(error);
    }
    this.busy = false;
  }

  readonly #onEmail = (event: Event): void => {
    event.preventDefault();
    const email = this.email.value.trim();
    if (email === "" || this.busy) return;
    void this.#try(async () => {
      const secret = crypto.randomUUID().replaceAll("-", "");
      const { lang } = document.documentElement;
      const sid = await this.client.api.contact.requestEmail(email, secret, lang);
      this.pending = { email, sid, secret };
    });
  };

  readonly #onConfirmed = (event?: Event): void => {
    event?.preventDefault();
    const { pending } = this;
    if (pending === undefined || this.busy) return;
    const { userId } = this.client.session;
    const password = { userId, password: this.emailPassword.value };
    void this.#try(async () => {
      await throughAuth({ password }, (auth) =>
        this.client.api.contact.addEmail(pending.sid, pending.secret, auth),
      );
      this.pending = undefined;
      toast(msg("The address belongs to your account now."));
      await this.#load();
    });
  };

  async #remove({ medium, address }: Address): Promise<void> {
    await attempt(() => this.client.api.contact.removeAddress(medium, address));
    await this.#load();
  }

  #emails() {
    return html`<section>
      <h2>${msg("E-mail addresses")}</h2>
      <p>${msg("You sign in by them as well, and get back in when the password is lost.")}</p>
      <ul>
        ${this.addresses.map((one) => {
          const address = plainName(one.address) ?? "";
          return html`<li>
            ${address}
            <button
              type="button"
              class="icon-button"
              aria-label=${msg(str`Remove ${address}`)}
              @click=${() => void this.#remove(one)}
            >
              ${icon("close")}
            </button>
          </li>`;
        })}
      </ul>
      ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
      ${this.pending === undefined ? this.#newEmail() : this.#unconfirmed(this.pending)}
    </section>`;
  }

  #newEmail() {
    return html`<form @submit=${this.#onEmail} novalidate>
      <div class="field">
        <label for="email">${msg("New address")}</label>
        <input id="email" type="email" autocomplete="email" maxlength="320" />
      </div>
      <button type="submit" class="button" ?disabled=${this.busy}>${msg("Add")}</button>
    </form>`;
  }

  #unconfirmed({ email }: Pending) {
    return html`<form @submit=${this.#onConfirmed} novalidate>
      <p role="status">
        ${msg(str`A mail with a link is on its way to ${email}. Follow it, then go on here.`)}
      </p>
      <weft-password-field
        id="email-password"
        label=${msg("Password")}
        @enter=${this.#onConfirmed}
      ></weft-password-field>
      <div class="row">
        <button type="submit" class="button primary" ?disabled=${this.busy}>
          ${msg("I have followed the link")}
        </button>
        <button type="button" class="button quiet" @click=${() => (this.pending = undefined)}>
          ${msg("Cancel")}
        </button>
      </div>
    </form>`;
  }

  readonly #onClose = (event?: Event): void => {
    event?.preventDefault();
    this.closing = "";
    const { value } = this.closePassword;
    if (value === "") {
      this.closing = msg("Enter your password first.");
      return;
    }
    const { userId } = this.client.session;
    const erase = this.erase.checked;
    openDialog({
      kind: "confirm",
      heading: msg("Close your account for good?"),
      text: erase
        ? msg(
            str`${userId} leaves all rooms and is signed out everywhere. Nobody can ever use this name again, and people who join later do not see what you wrote. This cannot be undone.`,
          )
        : msg(
            str`${userId} leaves all rooms and is signed out everywhere. Nobody can ever use this name again. What you wrote stays. This cannot be undone.`,
          ),
      action: msg("Close account"),
      danger: true,
      run: async () => {
        await throughAuth({ password: { userId, password: value } }, (auth) =>
          this.client.api.contact.deactivate(erase, auth),
        ).catch((error: unknown) => {
          this.closing = this.#explain(error);
          throw error;
        });
        await closeAccount(this.client);
      },
    });
  };

  /** Who has signed in on a page of the server closes the account there. */
  #endElsewhere() {
    return html`<section>
      <h2>${msg("Close the account")}</h2>
      <p>
        ${msg("You have signed in on a page of your server. There you close your account, too.")}
      </p>
      <weft-account-page action="org.matrix.account_deactivate"></weft-account-page>
    </section>`;
  }

  #end() {
    return html`<section>
      <h2>${msg("Close the account")}</h2>
      <p>
        ${msg("You leave all your rooms and are signed out everywhere. Your profile and addresses are deleted. Messages stay with those who have them.")}
      </p>
      ${this.closing === "" ? nothing : html`<p class="problem" role="alert">${this.closing}</p>`}
      <form @submit=${this.#onClose} novalidate>
        <label class="choice field">
          <input id="erase" type="checkbox" />
          ${msg("Hide what I wrote from those who join later")}
        </label>
        <weft-password-field
          id="close-password"
          label=${msg("Password")}
          @enter=${this.#onClose}
        ></weft-password-field>
        <button type="submit" class="button danger" ?disabled=${this.busy}>
          ${msg("Close account")}…
        </button>
      </form>
    </section>`;
  }

  override render() {
    const isElsewhere = this.client.session.oauth !== undefined;
    return html`${this.#emails()} ${isElsewhere ? this.#endElsewhere() : this.#end()}`;
  }
}
