import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { createAuthApi, type Provider } from "../api/auth.ts";
import { ApiError } from "../api/errors.ts";
import { createHttp } from "../api/http.ts";
import type { Session } from "../api/session.ts";
import type { WeftPasswordField } from "../elements/password-field.ts";
import "../elements/password-field.ts";
import { logo } from "../elements/logo.ts";
import { abandon, signedIn } from "../store/account.ts";
import { hrefTo, navigate } from "../store/router.ts";
import { ssoAddress, takeLoginToken } from "../store/sso.ts";
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
  @state() private providers: readonly Provider[] = [];
  readonly #auth = createAuthApi(createHttp(""), "");
  @query("#user") private user!: HTMLInputElement;
  @query("weft-password-field") private password!: WeftPasswordField;

  static override styles = [base, buttons, forms, entry];

  override firstUpdated(): void {
    (this.again === undefined ? this.user : this.password)?.focus();
    const brought = takeLoginToken();
    if (brought === "strange") this.problem = msg("That sign-in was not begun here. Try again.");
    else if (brought !== undefined) void this.#signInBy(brought.token);
    // A server without them, or one that is away: a password may be typed nevertheless.
    this.#auth.providers().then(
      (providers) => (this.providers = providers),
      () => undefined,
    );
  }

  /** The browser has come back from a provider. */
  async #signInBy(token: string): Promise<void> {
    this.busy = true;
    const { again } = this;
    try {
      const session = await this.#auth.signInByToken(token, deviceName(), again?.deviceId);
      // What the former session has left here is not for somebody else.
      if (again !== undefined && session.userId !== again.userId) abandon(again);
      this.#enter(session);
    } catch (error) {
      this.problem =
        error instanceof ApiError && error.errcode === "M_FORBIDDEN"
          ? msg("That sign-in has taken too long. Try again.")
          : explain(error);
      this.busy = false;
    }
  }

  #enter(session: Session): void {
    if (["sign-in", "register"].some((page) => location.hash.startsWith(`#/${page}`))) {
      navigate({ page: "home" }, true);
    }
    signedIn(session);
  }

  readonly #submit = async (event?: Event): Promise<void> => {
    event?.preventDefault();
    const user = this.again?.userId ?? this.user.value.trim();
    if (this.busy || user === "" || this.password.value === "") return;
    this.busy = true;
    this.problem = "";
    try {
      const session = await this.#auth.signIn(
        user,
        this.password.value,
        deviceName(),
        this.again?.deviceId,
      );
      this.#enter(session);
    } catch (error) {
      this.problem =
        error instanceof ApiError && error.errcode === "M_FORBIDDEN"
          ? msg("Name or password is wrong. Check both and try again.")
          : explain(error);
      this.busy = false;
    }
  };

  #providers() {
    if (this.providers.length === 0) return nothing;
    return html`<div class="providers" role="group" aria-label=${msg("Other ways to sign in")}>
      ${this.providers.map(
        ({ id, name }) =>
          html`<button
            class="button"
            type="button"
            ?disabled=${this.busy}
            @click=${() => location.assign(ssoAddress(id))}
          >
            ${msg(str`Continue with ${name}`)}
          </button>`,
      )}
    </div>`;
  }

  #below() {
    const { again } = this;
    if (again !== undefined) {
      return html`<p class="below">
        <button class="button quiet" type="button" @click=${() => abandon(again)}>
          ${msg("Sign in as someone else")}
        </button>
      </p>`;
    }
    return html`<p class="below"><a href="/_weft/account/forgot">${msg("Forgot password?")}</a></p>
      <p class="below">
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
        ${this.#providers()} ${this.#below()}
      </form>
    </main>`;
  }
}
