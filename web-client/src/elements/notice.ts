import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { NoticeItem } from "../store/timeline-items.ts";
import { base, buttons } from "../styles/shared.ts";
import { fullTime } from "../text/time.ts";

/** More than so many things in a row fold into one line. */
const FOLD = 3;
const opened = new Set<string>();

const wordsOf = (item: NoticeItem | undefined): string | undefined =>
  item?.notices.map(({ eventId, text }) => `${eventId} ${text}`).join("\n");

function saysOther(item: NoticeItem, before: NoticeItem | undefined): boolean {
  return wordsOf(item) !== wordsOf(before);
}

/** What happened in the room, in small: joins, names, topics. */
@customElement("weft-notice")
export class WeftNotice extends LitElement {
  @property({ attribute: false, hasChanged: saysOther }) item!: NoticeItem;
  @state() private open = false;

  static override styles = [
    base,
    buttons,
    css`
      :host {
        padding: 3px var(--space-5) 3px 76px;
        color: var(--muted);
        font-size: 0.88em;
        overflow-wrap: anywhere;
      }
      p {
        margin: 1px 0;
      }
      button {
        padding: 0;
        border: 0;
        background: none;
        color: var(--muted);
        text-decoration: underline;
        text-decoration-color: var(--line-strong);
        text-underline-offset: 3px;
      }
      @media (max-width: 719px) {
        :host {
          padding-inline: 60px var(--space-3);
        }
      }
    `,
  ];

  #toggle(): void {
    this.open = !this.open;
    if (this.open) opened.add(this.item.key);
    else opened.delete(this.item.key);
  }

  override willUpdate(): void {
    this.open = opened.has(this.item.key);
  }

  #all() {
    return this.item.notices.map(
      (notice) => html`<p title=${fullTime(notice.ts)}>${notice.text}</p>`,
    );
  }

  override render() {
    const { notices } = this.item;
    if (notices.length <= FOLD) return this.#all();
    const last = notices.at(-1)!;
    return html`<p title=${fullTime(last.ts)}>
        ${last.text} ·
        <button type="button" aria-expanded=${this.open} @click=${() => this.#toggle()}>
          ${this.open ? msg("Show less") : msg(str`and ${notices.length - 1} more changes`)}
        </button>
      </p>
      ${this.open ? this.#all() : nothing}`;
  }
}
