import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { createAccountApi } from "../api/account.ts";
import { createAuthApi, type OAuthServer, type Ways } from "../api/auth.ts";
import { ApiError } from "../api/errors.ts";
import { createHttp, withToken } from "../api/http.ts";
import { keptSessions, type Session } from "../api/session.ts";
import type { WeftPasswordField } from "../elements/password-field.ts";
import "../elements/password-field.ts";
import { logo } from "../elements/logo.ts";
import { abandon, signedIn, switchTo } from "../store/account.ts";
import { canUseOAuth, explainRefusal, goToServer, takeSignIn } from "../store/oauth.ts";
import { hrefTo, navigate } from "../store/router.ts";
import { report } from "../store/toasts.ts";
import { ssoAddress, takeLoginToken } from "../store/sso.ts";
import { entry } from "../styles/entry.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { deviceName } from "../text/device.ts";
import { explain } from "../text/problems.ts";

/** What is shown until the server has said how it lets people in. */
const BY_PASSWORD: Ways = { password: true, sso: false, providers: [] };

/**
 * Signing in: with a password, on the pages of the server (OAuth), or with an account elsewhere, as the server has it;
 * after a soft logout as the same device again.
 */
@customElement("weft-sign-in")
export class WeftSignIn extends LitElement {
  /** The session that ended, when its data is still here. */
  @property({ attribute: false }) again: Session | undefined;
  @state() private busy = false;
  @state() private problem = "";
  @state() private ways = BY_PASSWORD;
  @state() private oauth: OAuthServer | undefined;
  readonly #auth = createAuthApi(createHttp(""), "");
  @query("#user") private user!: HTMLInputElement;
  @query(".primary") private main!: HTMLElement | null;
  @query("weft-password-field") private password!: WeftPasswordField;

  static override styles = [base, buttons, forms, entry];

  override firstUpdated(): void {
    (this.again === undefined ? this.user : this.password)?.focus();
    const brought = takeLoginToken();
    const signIn = takeSignIn();
    if (brought === "strange") this.problem = msg("That sign-in was not begun here. Try again.");
    else if (brought !== undefined) void this.#comeBack(this.#byToken(brought.token));
    else if (signIn !== undefined) void this.#comeBack(signIn);
    // A server that is away: a password may be typed nevertheless.
    void Promise.all([
      this.#auth.ways().catch(() => BY_PASSWORD),
      canUseOAuth() ? this.#auth.oauth().catch(() => undefined) : undefined,
    ]).then(([ways, oauth]) => {
      this.ways = ways;
      this.oauth = oauth;
      if (!ways.password) void this.updateComplete.then(() => this.main?.focus());
    });
  }

  readonly #byToken = (token: string): Promise<Session> =>
    this.#auth.signInByToken(token, deviceName(), this.again?.deviceId);

  /** The browser has come back from pages elsewhere. */
  async #comeBack(work: Promise<Session>): Promise<void> {
    this.busy = true;
    const { again } = this;
    try {
      const session = await work;
      // What the former session has left here is not for somebody else.
      if (again !== undefined && session.userId !== again.userId) abandon(again);
      if (session.oauth !== undefined && session.deviceId !== again?.deviceId) {
        await this.#nameDevice(session);
      }
      this.#enter(session);
    } catch (error) {
      const isLate = error instanceof ApiError && error.errcode === "M_FORBIDDEN";
      this.problem = isLate
        ? msg("That sign-in has taken too long. Try again.")
        : (explainRefusal(error) ?? explain(error));
      this.busy = false;
    }
  }

  /** Servers call a device as its client is called; which browser it is tells them apart. */
  async #nameDevice({ accessToken, userId, deviceId }: Session): Promise<void> {
    const account = createAccountApi(createHttp("", withToken(accessToken)), userId);
    await account.renameDevice(deviceId, deviceName()).catch(() => undefined);
  }

  async #leave(create = false): Promise<void> {
    if (this.oauth === undefined || this.busy) return;
    this.busy = true;
    this.problem = "";
    try {
      await goToServer(this.oauth, { again: this.again, create });
    } catch (error) {
      this.problem = explain(error);
      this.busy = false;
    }
  }

  /** A page that the browser goes back to is as it was left: it can be used again. */
  readonly #onShow = (event: PageTransitionEvent): void => {
    if (event.persisted) this.busy = false;
  };

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("pageshow", this.#onShow);
  }

  override disconnectedCallback(): void {
    window.removeEventListener("pageshow", this.#onShow);
    super.disconnectedCallback();
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

  #way(label: string, go: () => void, isMain = false) {
    return html`<button
      class="button ${isMain ? "primary" : ""}"
      type="button"
      ?disabled=${this.busy}
      @click=${go}
    >
      ${label}
    </button>`;
  }

  /** Ways that lead to other pages: the first of them is the main one where no password is taken. */
  #elsewhere() {
    const { password, sso, providers } = this.ways;
    const { oauth } = this;
    const go = (provider?: string) => () => location.assign(ssoAddress(provider));
    // Where a server has no passwords, single sign-on is the old way to the same pages.
    const isSame = oauth !== undefined && !password;
    const label = password ? msg("Continue on the server’s page") : msg("Continue");
    const ways = [
      ...(oauth === undefined ? [] : [[label, () => void this.#leave()] as const]),
      ...(isSame
        ? []
        : providers.map(({ id, name }) => [msg(str`Continue with ${name}`), go(id)] as const)),
      ...(sso && !isSame && providers.length === 0
        ? [[msg("Continue with single sign-on"), go()] as const]
        : []),
    ];
    if (ways.length === 0) return nothing;
    return html`<div class="providers" role="group" aria-label=${msg("Other ways to sign in")}>
      ${ways.map(([words, run], at) => this.#way(words, run, at === 0 && !password))}
    </div>`;
  }

  /** The accounts of this browser, to which one may go back. */
  #kept() {
    const others = keptSessions().filter(({ userId }) => userId !== this.again?.userId);
    if (others.length === 0) return nothing;
    return html`<div class="providers" role="group" aria-label=${msg("Signed in here")}>
      ${others.map(({ userId }) =>
        this.#way(msg(str`Go on as ${userId}`), () => void switchTo(userId).catch(report)),
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
    const forgot = html`<p class="below">
      <a href="/_weft/account/forgot">${msg("Forgot password?")}</a>
    </p>`;
    return html`${this.ways.password ? forgot : nothing}${this.#newcomer()}`;
  }

  #newcomer() {
    const { oauth } = this;
    if (this.ways.password) {
      return html`<p class="below">
        ${msg("New here?")} <a href=${hrefTo({ page: "register" })}>${msg("Create an account")}</a>
      </p>`;
    }
    if (oauth?.prompt_values_supported?.includes("create") !== true) return nothing;
    return html`<p class="below">
      ${msg("New here?")} ${this.#way(msg("Create an account"), () => void this.#leave(true))}
    </p>`;
  }

  #byPassword() {
    if (!this.ways.password) {
      return html`<p>${msg("You sign in on a page of your server, and come back here.")}</p>`;
    }
    const user = html`<div class="field">
      <label for="user">${msg("User name")}</label>
      <input
        id="user"
        name="user"
        autocomplete="username"
        autocapitalize="none"
        spellcheck="false"
        required
      />
    </div>`;
    return html`${this.again === undefined ? user : nothing}
      <weft-password-field label=${msg("Password")} @enter=${this.#submit}></weft-password-field>
      <button class="button primary" type="submit" ?disabled=${this.busy}>
        ${this.busy ? msg("Signing in…") : msg("Sign in")}
      </button>`;
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
        ${this.#byPassword()} ${this.#elsewhere()} ${this.#kept()} ${this.#below()}
      </form>
    </main>`;
  }
}
