import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import { $minute } from "../store/minute.ts";
import type { RoomSummary } from "../store/room-store.ts";
import { hrefToRoom } from "../store/router.ts";
import { base } from "../styles/shared.ts";
import { fullTime, quietTime } from "../text/time.ts";
import "./avatar.ts";

/** One room in the list: who or what, the last words, when, and how much is new. */
@customElement("weft-room-link")
export class WeftRoomLink extends LitElement {
  @property({ attribute: false }) room!: RoomSummary;
  @property({ type: Boolean, reflect: true }) current = false;

  constructor() {
    super();
    new Watch(this, () => [$minute]);
  }

  static override shadowRootOptions = { ...LitElement.shadowRootOptions, delegatesFocus: true };

  static override styles = [
    base,
    css`
      :host {
        display: block;
        content-visibility: auto;
        contain-intrinsic-height: var(--room-link, 58px);
      }
      a {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr) auto;
        align-items: center;
        gap: 0 var(--space-3);
        height: var(--room-link, 58px);
        padding: 0 var(--space-2);
        border-radius: var(--radius);
        color: var(--text);
        text-decoration: none;
      }
      a:focus-visible {
        outline-offset: -2px;
      }
      a:hover {
        background: var(--hover);
      }
      :host([current]) a {
        background: var(--accent-soft);
        --dot-ring: var(--accent-soft);
      }
      weft-avatar {
        grid-row: 1 / 3;
      }
      .name {
        align-self: end;
        font-weight: 500;
      }
      .preview {
        grid-column: 2;
        align-self: start;
        color: var(--muted);
        font-size: 0.88em;
      }
      time {
        align-self: end;
        color: var(--muted);
        font-size: 0.79em;
      }
      .unread .name,
      .unread time {
        color: var(--text);
        font-weight: 700;
      }
      .count {
        justify-self: end;
        align-self: start;
        min-width: 20px;
        padding: 0 6px;
        border-radius: 10px;
        background: var(--muted);
        color: var(--paper);
        font-size: 0.77em;
        font-weight: 700;
        line-height: 20px;
        text-align: center;
      }
      .count.highlight,
      .count.invite {
        background: var(--accent);
        color: var(--on-accent);
      }
    `,
  ];

  #count() {
    const { membership, unread, highlights } = this.room;
    if (membership === "invite") return html`<span class="count invite">${msg("New")}</span>`;
    if (unread === 0 && highlights === 0) return nothing;
    const label =
      highlights > 0
        ? msg(str`${unread} unread, ${highlights} for you`)
        : msg(str`${unread} unread`);
    return html`<span class="count ${highlights > 0 ? "highlight" : ""}">
      <span aria-hidden="true">${highlights > 0 ? "@ " : ""}${unread > 99 ? "99+" : unread}</span>
      <span class="hidden-label">${label}</span>
    </span>`;
  }

  override render() {
    const { room } = this;
    const isNew = room.unread > 0 || room.membership === "invite";
    return html`<a
      class=${isNew ? "unread" : ""}
      href=${hrefToRoom(room.roomId)}
      aria-current=${this.current ? "page" : nothing}
    >
      <weft-avatar
        seed=${room.partner ?? room.roomId}
        name=${room.name}
        .mxc=${room.avatarUrl}
        .presence=${room.partner}
        size="40"
      ></weft-avatar>
      <span class="name ellipsis">${room.name}</span>
      ${room.ts === 0 ? html`<span></span>` : html`<time title=${fullTime(room.ts)}>${quietTime(room.ts)}</time>`}
      <span class="preview ellipsis"
        >${room.membership === "invite" ? msg("Invites you") : room.preview}</span
      >
      ${this.#count()}
    </a>`;
  }
}
