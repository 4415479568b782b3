import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { decryptionOf } from "../../encryption/decryption.ts";
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
  /** The open room that something encrypted would go to, until it is said that it may. */
  @state() private doubtful = "";

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
      .warning {
        margin: 0 0 var(--space-2);
        padding: var(--space-2) var(--space-3);
        border-radius: var(--radius);
        background: var(--danger-soft);
        color: var(--danger);
        font-size: 0.92em;
      }
      .warning div {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
        margin-top: var(--space-2);
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

  /** What came encrypted goes to an open room only when that is meant. */
  #ask(roomId: string): void {
    const [from, to] = [this.client.store.room(this.roomId), this.client.store.room(roomId)];
    const event = from?.record.find(this.eventId)?.event;
    const isSecret = event !== undefined && decryptionOf(event) !== undefined;
    if (!isSecret || to?.encryption !== undefined) return this.#send(roomId);
    this.doubtful = roomId;
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector<HTMLElement>(".warning button")?.focus(),
    );
  }

  /** Takes the question away; the keyboard goes back to the room that it was about. */
  #settle(roomId: string): void {
    this.doubtful = "";
    const room = `[data-room="${CSS.escape(roomId)}"]`;
    this.renderRoot.querySelector<HTMLElement>(room)?.focus();
  }

  #warning(roomId: string, name: string) {
    if (this.doubtful !== roomId) return nothing;
    const onSend = (): void => {
      this.#settle(roomId);
      this.#send(roomId);
    };
    return html`<div class="warning" role="alert">
      ${msg(str`This was sent encrypted, and “${name}” is not: the servers of everyone there could read it.`)}
      <div>
        <button type="button" class="button small" @click=${() => this.#settle(roomId)}>
          ${msg("Do not send")}
        </button>
        <button type="button" class="button small" @click=${onSend}>
          ${msg("Send it openly")}
        </button>
      </div>
    </div>`;
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
        data-room=${roomId}
        aria-disabled=${isSent}
        @click=${() => {
          if (!isSent) this.#ask(roomId);
        }}
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
      ${this.#warning(roomId, name)}
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
