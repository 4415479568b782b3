import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { MatrixEvent } from "../../api/types.ts";
import { Watch } from "../../controllers/watch.ts";
import { decryptionOf } from "../../encryption/decryption.ts";
import type { Shield } from "../../encryption/port.ts";
import type { Client } from "../../store/client.ts";
import type { Room } from "../../store/room.ts";
import { acceptIdentity, startVerification } from "../../store/trust-actions.ts";
import { base, buttons } from "../../styles/shared.ts";
import { shieldWords } from "../../text/encryption.ts";
import { icon } from "../icon.ts";

/** Beside a message of which something is wrong or unknown: a shield that says what when it is pressed. */
@customElement("weft-shield")
export class WeftShield extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  @property({ attribute: false }) event!: MatrixEvent;
  @state() private now: Shield | undefined;
  @state() private isOpen = false;
  @query("[popover]") private panel!: HTMLElement | null;
  @query(".trigger") private trigger!: HTMLElement | null;
  #asked = "";

  constructor() {
    super();
    new Watch(this, () => [this.event && this.client.encryption.trust.user(this.event.sender)]);
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: inline-flex;
      }
      .trigger {
        display: grid;
        place-items: center;
        width: 24px;
        height: 24px;
        padding: 0;
        border: 0;
        border-radius: 6px;
        background: none;
        color: var(--muted);
        font-size: 0.78em;
      }
      .red {
        color: var(--danger);
      }
      [popover] {
        position: fixed;
        inset: auto;
        width: min(320px, calc(100vw - 16px));
        margin: 0;
        padding: var(--space-3);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--raised);
        color: var(--text);
        box-shadow: var(--shadow);
        font-size: 15px;
      }
      p {
        margin: var(--space-1) 0 0;
      }
      .choices {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
        margin-top: var(--space-3);
      }
    `,
  ];

  /** What was found when the message was read holds until it is known how it stands now. */
  get #shield(): Shield {
    if (this.now !== undefined) return this.now;
    const decryption = decryptionOf(this.event);
    return decryption?.state === "readable" ? decryption.shield : { color: "none" };
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("event")) this.now = undefined;
    const { client, room, event } = this;
    const asked = `${event.event_id} ${client.encryption.trust.user(event.sender).get()}`;
    if (asked === this.#asked) return;
    this.#asked = asked;
    client.encryption.rooms.shield(room, event).then(
      (shield) => {
        if (this.#asked === asked) this.now = shield;
      },
      () => undefined,
    );
  }

  readonly #onToggle = (event: Event): void => {
    this.isOpen = (event as ToggleEvent).newState === "open";
    this.dispatchEvent(
      new CustomEvent("menu-toggle", { detail: this.isOpen, bubbles: true, composed: true }),
    );
    if (this.isOpen) void this.updateComplete.then(() => this.#place());
  };

  #place(): void {
    const { panel, trigger } = this;
    if (panel === null || trigger === null) return;
    const anchor = trigger.getBoundingClientRect();
    const left = Math.min(anchor.left, innerWidth - panel.offsetWidth - 8);
    const below = anchor.bottom + 4;
    const fits = below + panel.offsetHeight < innerHeight - 8;
    panel.style.left = `${Math.max(8, left)}px`;
    panel.style.top = `${fits ? below : Math.max(8, anchor.top - panel.offsetHeight - 4)}px`;
  }

  #choices() {
    const { client, event } = this;
    if (client.encryption.trust.user(event.sender).get() !== "violated") return nothing;
    const choose = (step: () => Promise<void>) => (): void => {
      this.panel?.hidePopover();
      void step();
    };
    return html`<div class="choices">
      <button
        type="button"
        class="button small"
        @click=${choose(() => startVerification(client, event.sender))}
      >
        ${msg("Verify again")}
      </button>
      <button
        type="button"
        class="button small"
        @click=${choose(() => acceptIdentity(client, event.sender))}
      >
        ${msg("Accept the new identity")}
      </button>
    </div>`;
  }

  override render() {
    const shield = this.#shield;
    if (shield.color === "none") return nothing;
    const { title, text } = shieldWords(shield, this.room.displayName(this.event.sender));
    return html`<button
        type="button"
        class="trigger ${shield.color}"
        title=${title}
        aria-label=${msg(str`${title}: what does that mean?`)}
        aria-expanded=${this.isOpen}
        popovertarget="panel"
      >
        ${icon(shield.color === "red" ? "shieldAlert" : "shield")}
      </button>
      <div id="panel" popover role="note" aria-label=${title} @toggle=${this.#onToggle}>
        ${
          this.isOpen
            ? html`<b>${title}</b>
                <p>${text}</p>
                ${this.#choices()}`
            : nothing
        }
      </div>`;
  }
}
