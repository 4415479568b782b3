import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Room } from "../store/room.ts";
import { base } from "../styles/shared.ts";
import "./avatar.ts";

const SHOWN = 3;

/** Small faces of those who have read up to here. */
@customElement("weft-readers")
export class WeftReaders extends LitElement {
  @property({ attribute: false }) room!: Room;
  @property({ attribute: false }) readers: readonly string[] = [];

  static override styles = [
    base,
    css`
      span.all {
        display: flex;
        align-items: center;
      }
      weft-avatar + weft-avatar {
        margin-left: -4px;
      }
      .more {
        margin-right: 4px;
        color: var(--muted);
        font-size: 0.73em;
      }
    `,
  ];

  override render() {
    const names = this.readers.slice(0, 12).map((userId) => this.room.displayName(userId));
    const rest = this.readers.length - SHOWN;
    const label = msg(str`Read by ${names.join(", ")}`);
    return html`<span class="all" role="img" aria-label=${label} title=${label}>
      ${rest > 0 ? html`<span class="more">+${rest}</span>` : nothing}
      ${this.readers.slice(0, SHOWN).map((userId) => {
        const member = this.room.member(userId);
        return html`<weft-avatar
          seed=${userId}
          name=${member?.displayName ?? userId}
          .mxc=${member?.avatarUrl}
          size="17"
        ></weft-avatar>`;
      })}
    </span>`;
  }
}
