import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { createAuthApi } from "../api/auth.ts";
import { ApiError } from "../api/errors.ts";
import { createHttp } from "../api/http.ts";
import type { Session } from "../api/session.ts";
import type { WeftPasswordField } from "../elements/password-field.ts";
import "../elements/password-field.ts";
import { logo } from "../elements/logo.ts";
import { abandon, signedIn } from "../store/account.ts";
import { hrefTo, navigate } from "../store/router.ts";
import { entry } from "../styles/entry.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { deviceName } from "../text/device.ts";
import { explain } from "../text/problems.ts";

/** Signing in with a password; after a soft logout as the same device again. */
@customElement("weft-sign-in")
export class WeftSignIn extends LitElement {
  /** The session that ended, when its data is still here. */
  @property({ attribute: false }) again: Session | undefined;
  @state() private busy = false;
  @state() private problem = "";
  @query("#user") private user!: HTMLInputElement;
  @query("weft-password-field") private password!: WeftPasswordField;

  static override styles = [base, buttons, forms, entry];

  override firstUpdated(): void {
    (this.again === undefined ? this.user : this.password)?.focus();
  }

  readonly #submit = async (event?: Event): Promise<void> => {
    event?.preventDefault();
    const user = this.again?.userId ?? this.user.value.trim();
    if (this.busy || user === "" || this.password.value === "") return;
    this.busy = true;
    this.problem = "";
    try {
      const auth = createAuthApi(createHttp(""), "");
      const session = await auth.signIn(
        user,
        this.password.value,
        deviceName(),
        this.again?.deviceId,
      );
      if (["sign-in", "register"].some((page) => location.hash.startsWith(`#/${page}`))) {
        navigate({ page: "home" }, true);
      }
      signedIn(session);
    } catch (error) {
      this.problem =
        error instanceof ApiError && error.errcode === "M_FORBIDDEN"
          ? msg("Name or password is wrong. Check both and try again.")
          : explain(error);
      this.busy = false;
    }
  };

  #below() {
    const { again } = this;
    if (again !== undefined) {
      return html`<p class="below">
        <button class="button quiet" type="button" @click=${() => abandon(again)}>
          ${msg("Sign in as someone else")}
        </button>
      </p>`;
    }
    return html`<p class="below">
      ${msg("New here?")} <a href=${hrefTo({ page: "register" })}>${msg("Create an account")}</a>
    </p>`;
  }

  override render() {
    const { again } = this;
    return html`<main>
      <form class="card" @submit=${this.#submit} novalidate>
        <div class="brand">
          ${logo(44)}
          <div>
            <h1>${again === undefined ? msg("Sign in to Weft") : msg("Sign in again")}</h1>
            <p>
              ${again === undefined ? location.host : msg(str`Your session as ${again.userId} has ended`)}
            </p>
          </div>
        </div>
        ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
        ${
          again === undefined
            ? html`<div class="field">
                <label for="user">${msg("User name")}</label>
                <input
                  id="user"
                  name="user"
                  autocomplete="username"
                  autocapitalize="none"
                  spellcheck="false"
                  required
                />
              </div>`
            : nothing
        }
        <weft-password-field label=${msg("Password")} @enter=${this.#submit}></weft-password-field>
        <button class="button primary" type="submit" ?disabled=${this.busy}>
          ${this.busy ? msg("Signing in…") : msg("Sign in")}
        </button>
        ${this.#below()}
      </form>
    </main>`;
  }
}
