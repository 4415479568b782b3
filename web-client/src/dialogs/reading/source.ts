import { msg } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { MatrixEvent } from "../../api/types.ts";
import { decryptionOf } from "../../encryption/decryption.ts";
import type { Client } from "../../store/client.ts";
import { attempt, toast } from "../../store/toasts.ts";
import { base, buttons } from "../../styles/shared.ts";
import { icon } from "../../elements/icon.ts";
import "../../elements/dialog.ts";

/** A message as its server holds it, and as it was read. */
@customElement("weft-source")
export class WeftSource extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) roomId = "";
  @property({ attribute: false }) eventId = "";
  @state() private event: MatrixEvent | undefined;
  @state() private isGone = false;

  static override styles = [
    base,
    buttons,
    css`
      h3 {
        margin: var(--space-3) 0 var(--space-1);
        font-size: 0.92em;
      }
      pre {
        max-height: 50vh;
        margin: 0;
        padding: var(--space-3);
        overflow: auto;
        border-radius: var(--radius);
        background: var(--sunken);
        font: 0.87em/1.5 var(--mono);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .actions {
        display: flex;
        justify-content: flex-end;
        margin-top: var(--space-3);
      }
    `,
  ];

  override firstUpdated(): void {
    void this.#load();
  }

  async #load(): Promise<void> {
    const room = this.client.store.room(this.roomId);
    this.event = room && (await this.client.history.event(room, this.eventId));
    this.isGone = this.event === undefined;
  }

  #part(heading: string, json: string) {
    return html`<h3>${heading}</h3>
      <pre tabindex="0" dir="ltr">${json}</pre>
      <div class="actions">
        <button
          type="button"
          class="button small"
          @click=${() =>
            void attempt(async () => {
              await navigator.clipboard.writeText(json);
              toast(msg("Source copied."));
            })}
        >
          ${icon("copy")} ${msg("Copy")}
        </button>
      </div>`;
  }

  #parts(event: MatrixEvent) {
    const known = decryptionOf(event);
    const wire = known?.state === "readable" ? known.wire : event;
    const clear = { type: event.type, content: event.content };
    return html`${this.#part(msg("As the server holds it"), JSON.stringify(wire, undefined, 2))}
    ${
      known?.state === "readable"
        ? this.#part(msg("As it was read"), JSON.stringify(clear, undefined, 2))
        : nothing
    }`;
  }

  override render() {
    return html`<weft-dialog heading=${msg("Source of the message")}>
      ${
        this.event !== undefined
          ? this.#parts(this.event)
          : html`<p role="status">
              ${this.isGone ? msg("This message does not exist any more, or you may not see it.") : msg("Loading…")}
            </p>`
      }
    </weft-dialog>`;
  }
}
