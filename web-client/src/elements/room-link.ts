import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import { $minute } from "../store/minute.ts";
import { localName } from "../store/room.ts";
import type { RoomSummary } from "../store/room-store.ts";
import { hrefToRoom } from "../store/router.ts";
import { base, buttons } from "../styles/shared.ts";
import { fullTime, quietTime } from "../text/time.ts";
import { icon } from "./icon.ts";
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
    buttons,
    css`
      :host {
        position: relative;
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
        justify-self: end;
        align-self: end;
        color: var(--muted);
        font-size: 0.79em;
      }
      .unread .name,
      .unread time {
        color: var(--text);
        font-weight: 700;
      }
      .counts {
        display: flex;
        align-items: center;
        justify-self: end;
        gap: 4px;
        align-self: start;
        min-height: 20px;
        color: var(--muted);
      }
      .count {
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
      .mark {
        width: 10px;
        height: 10px;
        border-radius: 50%;
        background: var(--accent);
      }
      .muted .name {
        color: var(--muted);
      }
      .more {
        position: absolute;
        top: 6px;
        right: 6px;
        width: 26px;
        height: 26px;
        background: var(--raised);
        color: var(--text);
        box-shadow: 0 0 0 1px var(--line);
        opacity: 0;
        pointer-events: none;
      }
      @media (hover: hover) {
        :host(:hover) .more {
          opacity: 1;
          pointer-events: auto;
        }
        :host(:hover) time {
          visibility: hidden;
        }
      }
    `,
  ];

  #label(): string {
    const { unread, highlights, markedUnread, notify } = this.room;
    const said: string[] = [];
    if (unread > 0 && highlights > 0) said.push(msg(str`${unread} unread, ${highlights} for you`));
    else if (unread > 0) said.push(msg(str`${unread} unread`));
    else if (highlights > 0) said.push(msg(str`${highlights} for you`));
    else if (markedUnread) said.push(msg("marked as unread"));
    if (notify === "mute") said.push(msg("muted"));
    return said.join(", ");
  }

  #counts() {
    const { membership, unread, highlights, markedUnread, notify } = this.room;
    if (membership === "invite") return html`<span class="count invite">${msg("New")}</span>`;
    const label = this.#label();
    if (label === "") return nothing;
    const short = (count: number): string => (count > 99 ? "99+" : `${count}`);
    return html`<span class="counts">
      <span aria-hidden="true" class="counts">
        ${notify === "mute" ? icon("bellOff") : nothing}
        ${highlights > 0 ? html`<span class="count highlight">@ ${short(highlights)}</span>` : nothing}
        ${unread > highlights ? html`<span class="count">${short(unread)}</span>` : nothing}
        ${markedUnread && unread + highlights === 0 ? html`<span class="mark"></span>` : nothing}
      </span>
      <span class="hidden-label">${label}</span>
    </span>`;
  }

  /** What stands below the name: the last words, or what this is instead of a conversation. */
  #line(): string {
    const { membership, removal, inviter, preview } = this.room;
    if (membership === "invite") {
      return inviter === undefined ? msg("Invites you") : msg(str`${inviter} invites you`);
    }
    if (membership === "knock") return msg("You asked to join");
    switch (removal?.how) {
      case "banned":
        return msg(str`${localName(removal.by)} banned you`);
      case "declined":
        return msg("Your request was declined");
      case "removed":
        return msg(str`${localName(removal.by)} removed you`);
      default:
        return preview;
    }
  }

  readonly #onMenu = (event: Event): void => {
    const anchor = this.shadowRoot!.querySelector<HTMLElement>("a")!;
    const detail = { roomId: this.room.roomId, anchor };
    const asked = new CustomEvent("room-menu", {
      detail,
      bubbles: true,
      composed: true,
      cancelable: true,
    });
    if (!this.dispatchEvent(asked)) event.preventDefault();
  };

  override render() {
    const { room } = this;
    const isNew = room.unread > 0 || room.markedUnread || room.membership === "invite";
    const classes = `${isNew ? "unread" : ""} ${room.notify === "mute" ? "muted" : ""}`;
    return html`<a
        class=${classes}
        href=${hrefToRoom(room.roomId)}
        aria-current=${this.current ? "page" : nothing}
        @contextmenu=${this.#onMenu}
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
        <span class="preview ellipsis">${this.#line()}</span>
        ${this.#counts()}
      </a>
      <button
        type="button"
        class="icon-button more"
        tabindex="-1"
        aria-hidden="true"
        title=${msg("More")}
        @click=${this.#onMenu}
      >
        ${icon("more")}
      </button>`;
  }
}
