import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Client } from "../../store/client.ts";
import type { Room } from "../../store/room.ts";
import { walkBack } from "../../store/search/walk.ts";
import { report } from "../../store/toasts.ts";
import { base, buttons } from "../../styles/shared.ts";
import { shortTime } from "../../text/time.ts";

/** How much of an encrypted room can be searched: what this device has read. It can read on, further back. */
@customElement("weft-search-reach")
export class WeftSearchReach extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  @state() private said = "";
  @state() private progress: { done: number; of: number } | undefined;
  @state() private hasMore = true;
  #stopped = new AbortController();

  static override styles = [
    base,
    buttons,
    css`
      p {
        margin: 0;
        padding: 0 var(--space-4) var(--space-2);
        color: var(--muted);
        font-size: 0.87em;
      }
      .button {
        min-height: 24px;
        padding: 0 4px;
        font-size: 1em;
      }
      progress {
        width: 100%;
        accent-color: var(--accent);
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stopped = new AbortController();
  }

  override disconnectedCallback(): void {
    this.#stopped.abort();
    super.disconnectedCallback();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("room")) void this.#look();
  }

  async #look(): Promise<void> {
    const { roomId } = this.room;
    const index = await this.client.indexing.open().catch(() => undefined);
    const about = await index?.about(roomId).catch(() => undefined);
    if (roomId !== this.room.roomId || index === undefined) return;
    this.said =
      about === undefined || about.count === 0
        ? msg("This room is encrypted. Nothing of it has been read on this device yet.")
        : msg(
            str`This room is encrypted. What this device has read of it is searched: ${about.count} messages, back to ${shortTime(about.oldest)}.`,
          );
  }

  async #further(): Promise<void> {
    this.progress = { done: 0, of: 1 };
    try {
      const tell = (done: number, of: number): void => {
        this.progress = { done, of };
      };
      this.hasMore = await walkBack(this.client, this.room, tell, this.#stopped.signal);
    } catch (error) {
      report(error);
    }
    this.progress = undefined;
    await this.#look();
    this.dispatchEvent(new CustomEvent("further"));
  }

  override render() {
    if (this.said === "") return nothing;
    if (this.progress !== undefined) {
      return html`<p role="status">
        ${msg("Reading further back…")}
        <progress
          aria-label=${msg("Reading further back…")}
          max=${this.progress.of}
          .value=${this.progress.done}
        ></progress>
      </p>`;
    }
    return html`<p>
      ${this.said}
      ${this.hasMore ? html`<button type="button" class="button quiet" @click=${() => void this.#further()}>${msg("Read further back")}</button>` : nothing}
    </p>`;
  }
}
