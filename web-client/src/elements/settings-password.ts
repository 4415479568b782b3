import { msg } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, queryAll, state } from "lit/decorators.js";
import { ApiError } from "../api/errors.ts";
import { throughAuth } from "../api/uia.ts";
import type { Client } from "../store/client.ts";
import { toast } from "../store/toasts.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { explain } from "../text/problems.ts";
import "./account-page.ts";
import type { WeftPasswordField } from "./password-field.ts";
import "./password-field.ts";

/** Changing one's password. */
@customElement("weft-settings-password")
export class WeftSettingsPassword extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private busy = false;
  @state() private problem = "";
  @query("#others") private others!: HTMLInputElement;
  @queryAll("weft-password-field") private fields!: NodeListOf<WeftPasswordField>;

  static override styles = [base, buttons, forms];

  readonly #onSubmit = async (event?: Event): Promise<void> => {
    event?.preventDefault();
    const [current = "", next = ""] = [...this.fields].map((field) => field.value);
    if (next.length < 8) {
      this.problem = msg("Choose a new password of at least eight characters.");
      return;
    }
    this.busy = true;
    this.problem = "";
    const signOutOthers = this.others.checked;
    const { account } = this.client.api;
    const { userId } = this.client.session;
    try {
      await throughAuth({ password: { userId, password: current } }, (auth) =>
        account.changePassword(next, signOutOthers, auth),
      );
      toast(
        signOutOthers
          ? msg("Your password was changed. Your other devices were signed out.")
          : msg("Your password was changed. Your other devices stay signed in."),
      );
      for (const one of this.fields) one.clear();
    } catch (error) {
      const wrong =
        error instanceof ApiError && (error.status === 401 || error.errcode === "M_FORBIDDEN");
      this.problem = wrong ? msg("The current password is not right.") : explain(error);
    }
    this.busy = false;
  };

  override render() {
    if (this.client.session.oauth !== undefined) {
      return html`<p>
          ${msg("You have signed in on a page of your server. There you change your password, too.")}
        </p>
        <weft-account-page></weft-account-page>`;
    }
    return html`<form @submit=${this.#onSubmit} novalidate>
      ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
      <input type="text" autocomplete="username" .value=${this.client.session.userId} hidden />
      <weft-password-field label=${msg("Current password")}></weft-password-field>
      <weft-password-field
        label=${msg("New password")}
        hint=${msg("At least eight characters.")}
        autocomplete="new-password"
        @enter=${this.#onSubmit}
      ></weft-password-field>
      <label class="choice field">
        <input id="others" type="checkbox" />
        ${msg("Sign out my other devices")}
      </label>
      <button type="submit" class="button primary" ?disabled=${this.busy}>
        ${msg("Change password")}
      </button>
    </form>`;
  }
}
