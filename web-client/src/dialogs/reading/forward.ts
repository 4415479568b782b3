import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Client } from "../../store/client.ts";
import { describeMessage } from "../../store/describe.ts";
import { forward } from "../../store/forward.ts";
import { canSend } from "../../store/power.ts";
import type { RoomSummary } from "../../store/room-store.ts";
import { attempt } from "../../store/toasts.ts";
import { base, buttonRows, buttons, forms } from "../../styles/shared.ts";
import "../../elements/avatar.ts";
import "../../elements/dialog.ts";

const SHOWN = 60;

/** Sends a message on to other rooms. */
@customElement("weft-forward")
export class WeftForward extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) roomId = "";
  @property({ attribute: false }) eventId = "";
  @state() private search = "";
  @state() private sent: ReadonlySet<string> = new Set();

  static override styles = [
    base,
    buttons,
    forms,
    buttonRows,
    css`
      .what {
        margin: 0 0 var(--space-3);
        padding: var(--space-2) var(--space-3);
        border-inline-start: 3px solid var(--accent);
        background: var(--sunken);
        overflow-wrap: anywhere;
      }
      ul {
        margin-top: var(--space-2) !important;
      }
      .name {
        flex: 1;
      }
      .done {
        color: var(--muted);
        font-size: 0.87em;
      }
    `,
  ];

  get #rooms(): RoomSummary[] {
    const { store, session, encryption } = this.client;
    const wanted = this.search.toLocaleLowerCase();
    return store.$list.get().filter((summary) => {
      const room = store.room(summary.roomId);
      return (
        room !== undefined &&
        summary.membership === "join" &&
        !summary.isSpace &&
        summary.name.toLocaleLowerCase().includes(wanted) &&
        canSend(room, session.userId, "m.room.message") &&
        encryption.rooms.canWrite(room)
      );
    });
  }

  #send(roomId: string): void {
    const [from, to] = [this.client.store.room(this.roomId), this.client.store.room(roomId)];
    const event = from?.record.find(this.eventId)?.event;
    if (from === undefined || to === undefined || event === undefined) return;
    this.sent = new Set([...this.sent, roomId]);
    void attempt(async () => forward(this.client, from, event, to)).then((done) => {
      if (done !== true) this.sent = new Set([...this.sent].filter((one) => one !== roomId));
    });
  }

  #one({ roomId, name, avatarUrl, partner }: RoomSummary) {
    const isSent = this.sent.has(roomId);
    return html`<li>
      <button
        type="button"
        ?disabled=${isSent}
        aria-label=${isSent ? msg(str`Sent to ${name}`) : msg(str`Send to ${name}`)}
        @click=${() => this.#send(roomId)}
      >
        <weft-avatar
          seed=${partner ?? roomId}
          name=${name}
          .mxc=${avatarUrl}
          size="32"
        ></weft-avatar>
        <span class="name ellipsis">${name}</span>
        <span class="done">${isSent ? msg("Sent") : msg("Send")}</span>
      </button>
    </li>`;
  }

  override render() {
    const room = this.client.store.room(this.roomId);
    const event = room?.record.find(this.eventId)?.event;
    const rooms = this.#rooms;
    return html`<weft-dialog heading=${msg("Forward")}>
      ${room === undefined || event === undefined ? nothing : html`<p class="what" dir="auto">${describeMessage(room, event).slice(0, 300)}</p>`}
      <input
        type="search"
        autofocus
        placeholder=${msg("Find a room or person")}
        aria-label=${msg("Find a room or person")}
        @input=${(input: Event) => (this.search = (input.target as HTMLInputElement).value)}
      />
      <ul>
        ${rooms.slice(0, SHOWN).map((one) => this.#one(one))}
      </ul>
      ${rooms.length === 0 ? html`<p role="status">${msg("There is no such room in which you may write.")}</p>` : nothing}
    </weft-dialog>`;
  }
}
