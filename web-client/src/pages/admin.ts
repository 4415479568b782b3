import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import { learnRole, roleOf } from "../store/administrator.ts";
import type { Client } from "../store/client.ts";
import { hrefTo, type AdminRoute } from "../store/router.ts";
import { report } from "../store/toasts.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { explain } from "../text/problems.ts";

/** Lets administrators into the administration, and tells others that there is nothing. */
@customElement("weft-admin-gate")
export class WeftAdminGate extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;
  @state() private problem = "";

  constructor() {
    super();
    new Watch(this, () => [this.client && roleOf(this.client)]);
  }

  static override styles = [
    base,
    buttons,
    forms,
    css`
      :host {
        display: block;
        height: 100%;
      }
      main {
        display: grid;
        place-content: center;
        justify-items: center;
        height: 100%;
        padding: var(--space-5);
        text-align: center;
      }
      h1 {
        margin: 0 0 var(--space-2);
        font-size: 1.3em;
      }
      p {
        max-width: 44ch;
        margin: 0 0 var(--space-4);
        color: var(--muted);
      }
    `,
  ];

  override firstUpdated(): void {
    void this.#ask();
  }

  /** The role may have changed since it was asked for. */
  async #ask(): Promise<void> {
    this.problem = "";
    try {
      await learnRole(this.client);
    } catch (error) {
      this.problem = explain(error);
    }
  }

  #home(text: string) {
    return html`<a class="button" href=${hrefTo({ page: "home" })}>${text}</a>`;
  }

  override render() {
    const role = roleOf(this.client).get();
    if (role === "administrator") {
      import("../admin/place.ts").catch(report);
      return html`<weft-admin .client=${this.client} .place=${this.place}></weft-admin>`;
    }
    if (role === "user") {
      return html`<main>
        <h1>${msg("Nothing here")}</h1>
        <p>${msg("There is nothing for your account at this address.")}</p>
        ${this.#home(msg("Back to the rooms"))}
      </main>`;
    }
    if (this.problem === "") return html`<main><p role="status">${msg("One moment…")}</p></main>`;
    return html`<main>
      <p class="problem" role="alert">${this.problem}</p>
      <button type="button" class="button" @click=${() => void this.#ask()}>
        ${msg("Try again")}
      </button>
    </main>`;
  }
}
