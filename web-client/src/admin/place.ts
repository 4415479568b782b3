import { msg } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { icon } from "../elements/icon.ts";
import type { Client } from "../store/client.ts";
import { type AdminRoute, hrefTo } from "../store/router.ts";
import { report } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { placeStyles } from "./place-styles.ts";
import { sections } from "./sections.ts";

/** The administration: its own navigation, and the part of it that is chosen. */
@customElement("weft-admin")
export class WeftAdmin extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;

  static override styles = [base, buttons, placeStyles];

  /** What the parts share is there before they are. */
  override updated(): void {
    this.renderRoot
      .querySelector("nav [aria-current]")
      ?.scrollIntoView({ block: "nearest", inline: "center" });
  }

  override render() {
    const all = sections();
    const [first = ""] = this.place.path;
    const current = first in all ? first : Object.keys(all)[0]!;
    const { load, draw } = all[current]!;
    load().catch(report);
    // What is about one user or room is drawn anew for another.
    const scope = this.place.path.slice(0, 2).join("/");
    return html`<div class="frame">
      <section class="top" aria-label=${msg("Administration")}>
        <a
          class="icon-button"
          href=${hrefTo({ page: "home" })}
          title=${msg("Back to the rooms")}
          aria-label=${msg("Back to the rooms")}
        >
          ${icon("arrowLeft")}
        </a>
        <h1>${msg("Administration")}</h1>
      </section>
      <nav aria-label=${msg("Administration")}>
        <ul>
          ${Object.entries(all).map(
            ([name, section]) =>
              html`<li>
                <a
                  href=${hrefTo({ page: "admin", path: name === "" ? [] : [name] })}
                  aria-current=${name === current ? "page" : nothing}
                  >${section.icon}<span>${section.label}</span></a
                >
              </li>`,
          )}
        </ul>
      </nav>
      <main class="scroll" tabindex="-1">
        <div class="content">${keyed(scope, draw(this.client, this.place))}</div>
      </main>
    </div>`;
  }
}
