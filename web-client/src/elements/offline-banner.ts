import { msg } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import type { SyncEngine } from "../store/sync-engine.ts";
import { base, buttons } from "../styles/shared.ts";
import { icon } from "./icon.ts";

/** A quiet line while the server cannot be reached. Short breaks pass without it. */
@customElement("weft-offline-banner")
export class WeftOfflineBanner extends LitElement {
  @property({ attribute: false }) sync!: SyncEngine;

  constructor() {
    super();
    new Watch(this, () => [this.sync?.$status]);
  }

  static override styles = [
    base,
    buttons,
    css`
      div {
        display: flex;
        align-items: center;
        justify-content: center;
        gap: var(--space-2);
        height: 34px;
        border-bottom: 1px solid var(--line);
        background: var(--sunken);
        color: var(--muted);
        font-size: 0.92em;
        animation: unfold 0.2s 0.4s backwards;
      }
      button {
        min-height: 26px !important;
      }
      @keyframes unfold {
        from {
          height: 0;
          opacity: 0;
        }
      }
    `,
  ];

  override render() {
    const offline = this.sync?.$status.get() === "offline";
    if (!offline) return html`<span role="status"></span>`;
    return html`<div role="status">
      ${icon("offline")}<span
        >${msg("No connection. What you write is sent when it is back.")}</span
      >
      ${
        navigator.onLine
          ? html`<button
              class="button quiet small"
              type="button"
              @click=${() => this.sync.retryNow()}
            >
              ${msg("Try now")}
            </button>`
          : nothing
      }
    </div>`;
  }
}
