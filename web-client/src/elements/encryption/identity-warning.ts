import { msg } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { Watch } from "../../controllers/watch.ts";
import type { Client } from "../../store/client.ts";
import { personName } from "../../store/people.ts";
import type { Room } from "../../store/room.ts";
import { acceptIdentity, startVerification } from "../../store/trust-actions.ts";
import { base, buttons } from "../../styles/shared.ts";
import { changedWords } from "../../text/encryption.ts";
import { icon } from "../icon.ts";

/** That somebody's identity is another one now, with the choice that the person has. */
@customElement("weft-identity-warning")
export class WeftIdentityWarning extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room: Room | undefined;
  @property({ attribute: false }) userId = "";
  @state() private busy = false;

  constructor() {
    super();
    new Watch(this, () => [this.client?.encryption.trust.user(this.userId)]);
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
      }
      div {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-1) var(--space-3);
        padding: var(--space-2) var(--space-3);
        border-radius: var(--radius);
        background: var(--danger-soft);
      }
      .icon {
        color: var(--danger);
      }
      p {
        flex: 1 1 240px;
        margin: 0;
        overflow-wrap: anywhere;
      }
      .quiet {
        color: var(--danger);
      }
    `,
  ];

  async #do(step: () => Promise<void>): Promise<void> {
    this.busy = true;
    await step();
    this.busy = false;
  }

  override render() {
    const { client, userId } = this;
    const trust = client.encryption.trust.user(userId).get();
    if (trust !== "changed" && trust !== "violated") return nothing;
    const violated = trust === "violated";
    const name = personName(client, userId, this.room?.roomId);
    return html`<div role="group" aria-label=${msg("Identity changed")}>
      ${icon("shieldAlert")}
      <p>${changedWords(name, violated)}</p>
      <button
        type="button"
        class="button small"
        ?disabled=${this.busy}
        @click=${() => void this.#do(() => startVerification(client, userId))}
      >
        ${violated ? msg("Verify again") : msg("Verify")}
      </button>
      <button
        type="button"
        class="button small quiet"
        ?disabled=${this.busy}
        @click=${() => void this.#do(() => acceptIdentity(client, userId))}
      >
        ${violated ? msg("Write without verifying") : msg("Dismiss")}
      </button>
    </div>`;
  }
}
