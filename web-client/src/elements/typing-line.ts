import { msg, str } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import type { Room } from "../store/room.ts";
import { base } from "../styles/shared.ts";

/** "Alice and Bob are writing…" The line keeps its room when nobody is. */
@customElement("weft-typing-line")
export class WeftTypingLine extends LitElement {
  @property({ attribute: false }) room!: Room;
  @property() me = "";

  constructor() {
    super();
    new Watch(this, () => [this.room?.signals.$typing]);
  }

  static override styles = [
    base,
    css`
      :host {
        display: block;
        height: 22px;
        padding: 0 var(--space-5) 0 76px;
        color: var(--muted);
        font-size: 0.85em;
        line-height: 22px;
      }
      @media (max-width: 719px) {
        :host {
          padding-left: var(--space-4);
        }
      }
    `,
  ];

  #words(): string {
    const names = this.room.typing
      .filter((user) => user !== this.me)
      .map((user) => this.room.displayName(user));
    if (names.length === 0) return "";
    if (names.length === 1) return msg(str`${names[0]} is writing…`);
    if (names.length === 2) return msg(str`${names[0]} and ${names[1]} are writing…`);
    return msg("Several people are writing…");
  }

  override render() {
    return html`<div class="ellipsis" role="status">${this.#words()}</div>`;
  }
}
