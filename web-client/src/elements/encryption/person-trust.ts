import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { Watch } from "../../controllers/watch.ts";
import type { DeviceTrust, UserTrust } from "../../encryption/port.ts";
import type { Client } from "../../store/client.ts";
import type { Room } from "../../store/room.ts";
import { startVerification } from "../../store/trust-actions.ts";
import { base, buttons } from "../../styles/shared.ts";
import { trustLabel } from "../../text/encryption.ts";
import { icon, type IconName } from "../icon.ts";
import "./identity-warning.ts";
import { plainName } from "../../text/names.ts";

function signOf(trust: UserTrust): IconName {
  if (trust === "verified") return "shieldCheck";
  return trust === "changed" || trust === "violated" ? "shieldAlert" : "shield";
}

/** Whether someone is verified, by which devices they write, and the way to verify them. */
@customElement("weft-person-trust")
export class WeftPersonTrust extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room: Room | undefined;
  @property({ attribute: false }) userId = "";
  @state() private busy = false;

  constructor() {
    super();
    new Watch(this, () => {
      const trust = this.client?.encryption.trust;
      return [trust?.user(this.userId), trust?.devices(this.userId)];
    });
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
        width: 100%;
        margin-top: var(--space-4);
        text-align: start;
      }
      .state {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        min-height: 40px;
        padding: var(--space-1) var(--space-3);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--raised);
      }
      .state > span:nth-child(2) {
        flex: 1;
      }
      .verified .icon {
        color: var(--good);
      }
      weft-identity-warning {
        margin-top: var(--space-2);
      }
      details {
        margin-top: var(--space-2);
        color: var(--muted);
        font-size: 0.92em;
      }
      summary {
        padding: var(--space-1) 0;
        cursor: pointer;
      }
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        align-items: center;
        gap: var(--space-2);
        padding: 3px 0;
      }
      .bad {
        color: var(--danger);
      }
      .good {
        color: var(--good);
      }
    `,
  ];

  readonly #verify = async (): Promise<void> => {
    this.busy = true;
    await startVerification(this.client, this.userId);
    this.busy = false;
  };

  #device(device: DeviceTrust) {
    const label = device.isSigned ? msg("verified by its owner") : msg("not verified by its owner");
    return html`<li>
      <span class=${device.isSigned ? "good" : "bad"} role="img" aria-label=${label} title=${label}
        >${icon(device.isSigned ? "shieldCheck" : "shieldAlert")}</span
      >
      <span class="ellipsis">${plainName(device.name) ?? device.deviceId}</span>
    </li>`;
  }

  #devices() {
    const devices = this.client.encryption.trust.devices(this.userId).get() ?? [];
    const shown = devices.filter((device) => !device.isDehydrated);
    if (shown.length === 0) return nothing;
    return html`<details>
      <summary>${shown.length === 1 ? msg("1 device") : msg(str`${shown.length} devices`)}</summary>
      <ul>
        ${shown.map((device) => this.#device(device))}
      </ul>
    </details>`;
  }

  override render() {
    const trust = this.client.encryption.trust.user(this.userId).get();
    if (trust === "unknown") return nothing;
    const isMe = this.userId === this.client.session.userId;
    const hasKeys = this.client.encryption.$status.get().crossSigning.hasKeys;
    return html`<div class="state ${trust}">
        ${icon(signOf(trust))}<span>${trustLabel(trust)}</span>
        ${
          trust === "unverified" && !isMe && hasKeys
            ? html`<button
                type="button"
                class="button small"
                ?disabled=${this.busy}
                @click=${this.#verify}
              >
                ${msg("Verify")}
              </button>`
            : nothing
        }
      </div>
      <weft-identity-warning
        .client=${this.client}
        .room=${this.room}
        .userId=${this.userId}
      ></weft-identity-warning>
      ${this.#devices()}`;
  }
}
