import { msg } from "@lit/localize";
import { css, html, LitElement, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { ProvideClient } from "../controllers/context.ts";
import { Watch } from "../controllers/watch.ts";
import { $account, type Account } from "../store/account.ts";
import { $route } from "../store/router.ts";
import { report } from "../store/toasts.ts";
import { logo } from "../elements/logo.ts";

/** Loads what only some visitors need; a failed load is told and can be tried again by a reload. */
function lazily(load: () => Promise<unknown>): void {
  load().catch(report);
}

/** The whole page: signing in, or the rooms of who is signed in. */
@customElement("weft-app")
export class WeftApp extends LitElement {
  constructor() {
    super();
    new Watch(this, () => [$account, $route]);
    new ProvideClient(this, () => {
      const account = $account.get();
      return account.state === "in" ? account.client : undefined;
    });
  }

  static override styles = css`
    :host {
      display: block;
      height: 100%;
    }
    .waiting {
      display: grid;
      place-items: center;
      height: 100%;
    }
    .waiting svg {
      animation: breathe 1.6s ease-in-out infinite;
    }
    @keyframes breathe {
      50% {
        opacity: 0.35;
      }
    }
  `;

  #page(account: Account): TemplateResult {
    if (account.state === "out") {
      const page = $route.get().page;
      if (page === "register" && account.again === undefined) {
        lazily(() => import("./register.ts"));
        return html`<weft-register></weft-register>`;
      }
      lazily(() => import("./sign-in.ts"));
      return html`<weft-sign-in .again=${account.again}></weft-sign-in>`;
    }
    lazily(() => import("./shell.ts"));
    if ($route.get().page === "room") lazily(() => import("./room.ts"));
    if (account.state === "in") return html`<weft-shell .client=${account.client}></weft-shell>`;
    return html`<main class="waiting" aria-label=${msg("Weft is starting")}>${logo(56)}</main>`;
  }

  protected override firstUpdated(): void {
    lazily(async () => (await import("../elements/focus-guard.ts")).guardFocus());
  }

  override render() {
    // What is told waits in its store until it can be shown.
    lazily(() => import("../elements/toasts.ts"));
    return html`${this.#page($account.get())}<weft-toasts></weft-toasts>`;
  }
}
