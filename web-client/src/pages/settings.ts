import { msg } from "@lit/localize";
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Client } from "../store/client.ts";
import { hrefTo } from "../store/router.ts";
import { base, buttons } from "../styles/shared.ts";
import { pageStyles, tabStyles } from "../styles/pages.ts";
import { icon } from "../elements/icon.ts";
import "../elements/encryption/settings-encryption.ts";
import "../elements/settings-account.ts";
import "../elements/settings-appearance.ts";
import "../elements/settings-devices.ts";
import "../elements/settings-ignored.ts";
import "../elements/settings-notifications.ts";
import "../elements/settings-password.ts";
import "../elements/settings-pictures.ts";
import "../elements/settings-previews.ts";
import "../elements/settings-profile.ts";

/** What a person can set for themselves, in sections with addresses of their own. */
@customElement("weft-settings")
export class WeftSettings extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property() section = "profile";

  static override styles = [base, buttons, pageStyles, tabStyles];

  #sections(): Record<string, [label: string, content: TemplateResult]> {
    const { client } = this;
    return {
      profile: [
        msg("Profile"),
        html`<weft-settings-profile .client=${client}></weft-settings-profile>`,
      ],
      appearance: [
        msg("Appearance"),
        html`<weft-settings-appearance></weft-settings-appearance>
          <weft-settings-previews></weft-settings-previews>`,
      ],
      notifications: [
        msg("Notifications"),
        html`<weft-settings-notifications .client=${client}></weft-settings-notifications>`,
      ],
      pictures: [
        msg("Emoji and stickers"),
        html`<weft-settings-pictures .client=${client}></weft-settings-pictures>`,
      ],
      password: [
        msg("Password"),
        html`<weft-settings-password .client=${client}></weft-settings-password>`,
      ],
      devices: [
        msg("Devices"),
        html`<weft-settings-devices .client=${client}></weft-settings-devices>`,
      ],
      ignored: [
        msg("Ignored people"),
        html`<weft-settings-ignored .client=${client}></weft-settings-ignored>`,
      ],
      account: [
        msg("Account"),
        html`<weft-settings-account .client=${client}></weft-settings-account>`,
      ],
      encryption: [
        msg("Encryption"),
        html`<weft-settings-encryption .client=${client}></weft-settings-encryption>`,
      ],
    };
  }

  override render() {
    const sections = this.#sections();
    const current = this.section in sections ? this.section : "profile";
    return html`<main class="page scroll">
      <header>
        <a
          class="icon-button back"
          href=${hrefTo({ page: "home" })}
          aria-label=${msg("Back to the rooms")}
        >
          ${icon("arrowLeft")}
        </a>
        <h1>${msg("Settings")}</h1>
      </header>
      <div class="content">
        <nav aria-label=${msg("Settings")}>
          ${Object.entries(sections).map(
            ([name, [label]]) =>
              html`<a
                href=${hrefTo({ page: "settings", section: name })}
                aria-current=${name === current ? "page" : nothing}
                >${label}</a
              >`,
          )}
        </nav>
        ${sections[current]?.[1]}
      </div>
    </main>`;
  }
}
