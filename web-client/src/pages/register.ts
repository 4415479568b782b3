import { msg } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { createAccountApi } from "../api/account.ts";
import { createAuthApi } from "../api/auth.ts";
import { ApiError } from "../api/errors.ts";
import { openStagePage, whenStageIsPassed } from "../api/fallback.ts";
import { createHttp, withToken } from "../api/http.ts";
import type { Session } from "../api/session.ts";
import { NeedsProof, throughAuth, type Proofs } from "../api/uia.ts";
import type { WeftPasswordField } from "../elements/password-field.ts";
import "../elements/password-field.ts";
import { logo } from "../elements/logo.ts";
import { signedIn } from "../store/account.ts";
import { hrefTo, navigate } from "../store/router.ts";
import { entry } from "../styles/entry.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { deviceName } from "../text/device.ts";
import { explain } from "../text/problems.ts";

/** Stages that have a page. */
const PAGES = new Set(["m.login.terms", "m.login.recaptcha"]);

/** The token of an invitation link: `?registration_token=…` before or behind the "#". */
function tokenInAddress(): string {
  const inHash = new URLSearchParams(location.hash.split("?")[1] ?? "");
  const inSearch = new URLSearchParams(location.search);
  return inSearch.get("registration_token") ?? inHash.get("registration_token") ?? "";
}

/** Making an account, with a registration token where the server wants one. */
@customElement("weft-register")
export class WeftRegister extends LitElement {
  @state() private busy = false;
  @state() private problem = "";
  @state() private nameProblem = "";
  @state() private token = tokenInAddress();
  /** What is to be done on a page of the server, and the session that waits for it. */
  @state() private elsewhere: { stage: string; session: string } | undefined;
  #session: string | undefined;
  #unhear: () => void = () => undefined;
  @state() private wantsToken = this.token !== "";
  @query("#user") private user!: HTMLInputElement;
  @query("#display-name") private displayName!: HTMLInputElement;
  @query("#token") private tokenInput!: HTMLInputElement | null;
  @query("weft-password-field") private password!: WeftPasswordField;
  readonly #auth = createAuthApi(createHttp(""), "");

  static override styles = [base, buttons, forms, entry];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#unhear = whenStageIsPassed(() => {
      if (this.elsewhere !== undefined) void this.#submit();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unhear();
  }

  override firstUpdated(): void {
    this.user.focus();
  }

  readonly #checkName = async (): Promise<void> => {
    const name = this.user.value.trim();
    this.nameProblem = "";
    if (name === "") return;
    try {
      await this.#auth.checkUsername(name);
    } catch (error) {
      const telling = ["M_USER_IN_USE", "M_INVALID_USERNAME", "M_EXCLUSIVE"];
      const said = error instanceof ApiError && telling.includes(error.errcode);
      if (!this.busy && said) this.nameProblem = explain(error);
    }
  };

  readonly #submit = async (event?: Event): Promise<void> => {
    event?.preventDefault();
    const username = this.user.value.trim();
    const password = this.password.value;
    if (this.busy || username === "") return;
    if (password.length < 8) {
      this.problem = msg("Choose a password of at least eight characters.");
      return;
    }
    this.busy = true;
    this.problem = "";
    this.elsewhere = undefined;
    const token = this.tokenInput?.value.trim() ?? "";
    const proofs: Proofs = token === "" ? {} : { registrationToken: token };
    try {
      const registration = { username, password, deviceName: deviceName() };
      const session = await throughAuth(
        proofs,
        (auth) => this.#auth.register({ ...registration, ...(auth === undefined ? {} : { auth }) }),
        this.#session,
      );
      await this.#setName(session);
      this.#dropToken();
      navigate({ page: "home" }, true);
      signedIn(session);
    } catch (error) {
      this.busy = false;
      // Done in part: the rest of it goes on there, with the same name and password.
      this.#session = error instanceof NeedsProof ? error.session : undefined;
      await this.#explain(error);
    }
  };

  /** A name that cannot be set now can be set later. */
  async #setName(session: Session): Promise<void> {
    const name = this.displayName.value.trim();
    if (name === "") return;
    const http = createHttp("", withToken(session.accessToken));
    const account = createAccountApi(http, session.userId);
    await account.setDisplayName(name).catch(() => undefined);
  }

  /** The token has done its work and must not stay in the address. */
  #dropToken(): void {
    const url = new URL(location.href);
    url.searchParams.delete("registration_token");
    history.replaceState(null, "", url);
  }

  async #explain(error: unknown): Promise<void> {
    if (error instanceof NeedsProof && error.stage === "m.login.registration_token") {
      this.wantsToken = true;
      this.problem = msg(
        "This server asks for a registration token. Whoever runs it can give you one.",
      );
      await this.updateComplete;
      this.tokenInput?.focus();
    } else if (error instanceof NeedsProof && PAGES.has(error.stage) && error.session) {
      this.elsewhere = { stage: error.stage, session: error.session };
    } else if (error instanceof NeedsProof) {
      this.problem = msg(
        "This server asks for something that Weft cannot do yet. Ask whoever runs it.",
      );
    } else if (error instanceof ApiError && error.status === 401) {
      this.problem = msg("The registration token is not valid, or used up. Ask for another one.");
    } else if (error instanceof ApiError && error.errcode === "M_FORBIDDEN") {
      this.problem = msg("This server takes no new accounts. Ask whoever runs it.");
    } else {
      this.problem = explain(error);
    }
  }

  /** The way to a page of the server, which says when it is done. */
  #elsewhere() {
    const { elsewhere } = this;
    if (elsewhere === undefined) return nothing;
    const isTerms = elsewhere.stage === "m.login.terms";
    return html`<p role="status">
        ${
          isTerms
            ? msg("This server asks you to agree to its terms.")
            : msg("This server asks you to show that you are human.")
        }
      </p>
      <button
        class="button"
        type="button"
        @click=${() => openStagePage(elsewhere.stage, elsewhere.session)}
      >
        ${isTerms ? msg("Read the terms") : msg("Solve a puzzle")}
      </button>`;
  }

  #tokenField() {
    if (!this.wantsToken) return nothing;
    return html`<div class="field">
      <label for="token">${msg("Registration token")}</label>
      <input id="token" name="token" autocomplete="off" spellcheck="false" .value=${this.token} />
    </div>`;
  }

  override render() {
    return html`<main>
      <form class="card" @submit=${this.#submit} novalidate>
        <div class="brand">
          ${logo(44)}
          <div>
            <h1>${msg("Create an account")}</h1>
            <p>${location.host}</p>
          </div>
        </div>
        ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
        <div class="field">
          <label for="user">${msg("User name")}</label>
          <input
            id="user"
            name="user"
            autocomplete="username"
            autocapitalize="none"
            spellcheck="false"
            aria-describedby="user-hint"
            aria-invalid=${this.nameProblem !== ""}
            required
            @change=${this.#checkName}
          />
          <p class="hint" id="user-hint" role="status">
            ${this.nameProblem || msg("Small letters, digits and . _ = - / +")}
          </p>
        </div>
        <div class="field">
          <label for="display-name">${msg("Your name, as others see it")}</label>
          <input
            id="display-name"
            name="name"
            autocomplete="name"
            maxlength="100"
            aria-describedby="display-name-hint"
          />
          <p class="hint" id="display-name-hint">
            ${msg("You can leave it out, and change it later.")}
          </p>
        </div>
        <weft-password-field
          label=${msg("Password")}
          hint=${msg("At least eight characters.")}
          autocomplete="new-password"
          @enter=${this.#submit}
        ></weft-password-field>
        ${this.#tokenField()} ${this.#elsewhere()}
        <button class="button primary" type="submit" ?disabled=${this.busy}>
          ${this.busy ? msg("Creating your account…") : msg("Create account")}
        </button>
        <p class="below">
          ${msg("Have an account?")} <a href=${hrefTo({ page: "sign-in" })}>${msg("Sign in")}</a>
        </p>
      </form>
    </main>`;
  }
}
