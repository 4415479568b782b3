import { msg, str } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { Watch } from "../../controllers/watch.ts";
import type { Verification } from "../../encryption/port.ts";
import type { Client } from "../../store/client.ts";
import { $dialog, openDialog } from "../../store/dialogs.ts";
import { personName } from "../../store/people.ts";
import { attempt } from "../../store/toasts.ts";
import { base, buttons } from "../../styles/shared.ts";
import { icon } from "../icon.ts";

/** How many requests are shown at once: anyone in a room can ask. */
const SHOWN = 3;

/** Requests to verify, at the edge of the window. They go when they are answered anywhere, or too late. */
@customElement("weft-encryption-notices")
export class WeftEncryptionNotices extends LitElement {
  @property({ attribute: false }) client!: Client;

  constructor() {
    super();
    new Watch(this, () => {
      const encryption = this.client?.encryption;
      return [
        encryption?.$verifications,
        encryption?.trust.devices(this.client.session.userId),
        $dialog,
      ];
    });
  }

  static override styles = [
    base,
    buttons,
    css`
      section {
        position: fixed;
        z-index: 6;
        top: calc(var(--bar) + var(--space-2));
        right: var(--space-4);
        display: grid;
        gap: var(--space-2);
        width: min(380px, calc(100vw - 2 * var(--space-4)));
      }
      .card {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: var(--space-1) var(--space-3);
        padding: var(--space-4);
        border: 1px solid var(--line);
        border-left: 4px solid var(--accent);
        border-radius: var(--radius);
        background: var(--raised);
        box-shadow: var(--shadow);
        animation: rise 0.18s ease-out;
      }
      .card > .icon {
        color: var(--accent);
      }
      p {
        margin: 0;
        overflow-wrap: anywhere;
      }
      b {
        display: block;
      }
      .actions {
        display: flex;
        grid-column: 1 / -1;
        justify-content: flex-end;
        gap: var(--space-2);
        margin-top: var(--space-2);
      }
      @keyframes rise {
        from {
          opacity: 0;
          transform: translateY(-8px);
        }
      }
    `,
  ];

  /** Ended requests that no window shows are news for nobody. */
  override updated(): void {
    const { verification, $verifications } = this.client.encryption;
    const shown = $dialog.get();
    for (const { id, phase } of $verifications.get()) {
      const inWindow = shown?.kind === "verification" && shown.id === id;
      if ((phase === "cancelled" || phase === "done") && !inWindow) verification.dismiss(id);
    }
  }

  #words(one: Verification): { title: string; text: string } {
    const { client } = this;
    if (!one.isSelf) {
      const name = personName(client, one.userId, one.roomId);
      return { title: msg(str`${name} asks to verify you`), text: one.userId };
    }
    const devices = client.encryption.trust.devices(one.userId).get() ?? [];
    const name = devices.find(({ deviceId }) => deviceId === one.deviceId)?.name;
    return {
      title: msg("New sign-in: is this you?"),
      text: msg(str`${name ?? one.deviceId ?? msg("A device")} asks to be verified.`),
    };
  }

  readonly #accept = (one: Verification): void =>
    void attempt(async () => {
      openDialog({ kind: "verification", id: one.id });
      await this.client.encryption.verification.accept(one.id);
    });

  readonly #decline = (one: Verification): void => {
    const { verification } = this.client.encryption;
    void attempt(async () => {
      await verification.cancel(one.id);
      verification.dismiss(one.id);
    });
  };

  #card(one: Verification) {
    const { title, text } = this.#words(one);
    return html`<div class="card" role="alert">
      ${icon("shield")}
      <p><b>${title}</b>${text}</p>
      <div class="actions">
        <button type="button" class="button small" @click=${() => this.#decline(one)}>
          ${one.isSelf ? msg("It isn’t me") : msg("Decline")}
        </button>
        <button type="button" class="button small primary" @click=${() => this.#accept(one)}>
          ${msg("Verify")}
        </button>
      </div>
    </div>`;
  }

  override render() {
    const shown = $dialog.get();
    const asked = this.client.encryption.$verifications
      .get()
      .filter(
        (one) =>
          one.phase === "asked" &&
          one.isIncoming &&
          !(shown?.kind === "verification" && shown.id === one.id),
      );
    return html`<section aria-label=${msg("Requests to verify")} ?hidden=${asked.length === 0}>
      ${repeat(
        asked.slice(-SHOWN),
        (one) => one.id,
        (one) => this.#card(one),
      )}
    </section>`;
  }
}
