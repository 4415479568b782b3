import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { MatrixEvent } from "../../api/types.ts";
import { Watch } from "../../controllers/watch.ts";
import type { Client } from "../../store/client.ts";
import { goToEvent } from "../../store/panel.ts";
import { canPin, pinned, setPinned } from "../../store/pins.ts";
import type { Room } from "../../store/room.ts";
import { isRedacted } from "../../store/timeline.ts";
import { attempt } from "../../store/toasts.ts";
import { panelStyles } from "../../styles/panel.ts";
import { base, buttons } from "../../styles/shared.ts";
import { icon } from "../icon.ts";
import { quotedMessage } from "./quoted-message.ts";

/** What is pinned in a room, the newest pin first. */
@customElement("weft-pins")
export class WeftPins extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  /** What was fetched; `undefined` for what cannot be had. */
  @state() private fetched = new Map<string, MatrixEvent | undefined>();
  readonly #asked = new Set<string>();

  constructor() {
    super();
    new Watch(this, () => [this.room?.signals.$state, this.room?.signals.$timeline]);
  }

  static override styles = [base, buttons, panelStyles];

  override willUpdate(): void {
    for (const eventId of pinned(this.room)) {
      if (this.#asked.has(eventId)) continue;
      this.#asked.add(eventId);
      void this.client.history.event(this.room, eventId).then((event) => {
        this.fetched = new Map(this.fetched).set(eventId, event);
      });
    }
  }

  #one(eventId: string) {
    const event = this.room.record.find(eventId)?.event ?? this.fetched.get(eventId);
    const isKnown = event !== undefined || this.fetched.has(eventId);
    return html`<li class="item">
      ${
        event !== undefined && !isRedacted(event)
          ? quotedMessage({
              room: this.room,
              event,
              onOpen: () => goToEvent(this, eventId),
            })
          : html`<p class="empty">
              ${isKnown ? msg("A message that does not exist any more, or that you may not see.") : msg("Loading…")}
            </p>`
      }
      ${this.#unpin(eventId, event)}
    </li>`;
  }

  #unpin(eventId: string, event: MatrixEvent | undefined) {
    if (!canPin(this.room, this.client.session.userId)) return nothing;
    const label =
      event === undefined
        ? msg("Unpin")
        : msg(str`Unpin the message of ${this.room.displayName(event.sender)}`);
    return html`<button
      type="button"
      class="icon-button"
      aria-label=${label}
      title=${msg("Unpin")}
      @click=${() => void attempt(() => setPinned(this.client, this.room, eventId, false))}
    >
      ${icon("pinOff")}
    </button>`;
  }

  override render() {
    const all = pinned(this.room).toReversed();
    if (all.length === 0) {
      return html`<p class="empty">
        ${msg("Nothing is pinned here. Pin what people should find again from the menu of a message.")}
      </p>`;
    }
    return html`<ul class="list scroll">
      ${all.map((eventId) => this.#one(eventId))}
    </ul>`;
  }
}
