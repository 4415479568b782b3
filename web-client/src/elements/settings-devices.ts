import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { ApiError } from "../api/errors.ts";
import type { Device } from "../api/types.ts";
import { NeedsProof, throughAuth, type Proofs } from "../api/uia.ts";
import type { Client } from "../store/client.ts";
import { attempt, report, toast } from "../store/toasts.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { fullTime, shortTime } from "../text/time.ts";
import "./dialog.ts";
import { icon } from "./icon.ts";
import type { WeftPasswordField } from "./password-field.ts";
import "./password-field.ts";

/** Where one is signed in, and signing out there. */
@customElement("weft-settings-devices")
export class WeftSettingsDevices extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private devices: Device[] = [];
  /** Devices that wait for the password to be signed out. */
  @state() private leaving: string[] | undefined;
  @state() private problem = "";
  @query("weft-password-field") private password!: WeftPasswordField;

  static override styles = [
    base,
    buttons,
    forms,
    css`
      ul {
        margin: 0 0 var(--space-4);
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        padding: var(--space-3) 0;
        border-bottom: 1px solid var(--line);
      }
      .about {
        display: grid;
        flex: 1;
        min-width: 0;
      }
      .more {
        color: var(--muted);
        font-size: 0.87em;
      }
      .here {
        color: var(--accent);
        font-weight: 600;
      }
    `,
  ];

  override firstUpdated(): void {
    void this.#load();
  }

  async #load(): Promise<void> {
    const devices = (await attempt(() => this.client.api.account.devices())) ?? [];
    const own = this.client.session.deviceId;
    this.devices = devices.toSorted((a, b) => {
      if (a.device_id === own) return -1;
      return b.device_id === own ? 1 : (b.last_seen_ts ?? 0) - (a.last_seen_ts ?? 0);
    });
  }

  async #delete(devices: string[], proofs: Proofs): Promise<void> {
    try {
      await throughAuth(proofs, (auth) => this.client.api.account.deleteDevices(devices, auth));
      this.leaving = undefined;
      toast(
        devices.length === 1
          ? msg("The device was signed out.")
          : msg("The devices were signed out."),
      );
      await this.#load();
    } catch (error) {
      if (error instanceof NeedsProof && error.stage === "m.login.password") this.leaving = devices;
      else if (error instanceof ApiError && error.status === 401)
        this.problem = msg("This password is not right.");
      else report(error);
    }
  }

  readonly #onPassword = (event: Event): void => {
    event.preventDefault();
    this.problem = "";
    const { userId } = this.client.session;
    void this.#delete(this.leaving ?? [], { password: { userId, password: this.password.value } });
  };

  #dialog() {
    if (this.leaving === undefined) return nothing;
    return html`<weft-dialog
      heading=${msg("Sign out devices")}
      @dismiss=${() => (this.leaving = undefined)}
    >
      <form @submit=${this.#onPassword}>
        <p>${msg("Your password, to be sure that it is you.")}</p>
        ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
        <weft-password-field
          label=${msg("Password")}
          @enter=${this.#onPassword}
        ></weft-password-field>
        <div class="actions">
          <button type="submit" class="button primary">${msg("Sign out")}</button>
        </div>
      </form>
    </weft-dialog>`;
  }

  #one(device: Device) {
    const here = device.device_id === this.client.session.deviceId;
    const name = device.display_name || device.device_id;
    const seen = device.last_seen_ts;
    return html`<li>
      ${icon(here ? "ok" : "user")}
      <span class="about">
        <span class="ellipsis">${name}</span>
        <span class="more ellipsis">
          ${here ? html`<span class="here">${msg("This device")}</span> · ` : nothing}
          ${seen == null ? nothing : html`<time title=${fullTime(seen)}>${msg(str`Last seen ${shortTime(seen)}`)}</time>`}
          ${device.last_seen_ip == null ? nothing : html` · ${device.last_seen_ip}`}
        </span>
      </span>
      ${
        here
          ? nothing
          : html`<button
              type="button"
              class="button small"
              aria-label=${msg(str`Sign out ${name}`)}
              @click=${() => void this.#delete([device.device_id], {})}
            >
              ${msg("Sign out")}
            </button>`
      }
    </li>`;
  }

  override render() {
    const others = this.devices.filter(
      (device) => device.device_id !== this.client.session.deviceId,
    );
    return html`<ul aria-label=${msg("Devices")}>
        ${this.devices.map((device) => this.#one(device))}
      </ul>
      ${
        others.length > 1
          ? html`<button
              type="button"
              class="button"
              @click=${() =>
                void this.#delete(
                  others.map((device) => device.device_id),
                  {},
                )}
            >
              ${msg("Sign out all others")}
            </button>`
          : nothing
      }
      ${this.#dialog()}`;
  }
}
