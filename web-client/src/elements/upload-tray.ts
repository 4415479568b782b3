import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { Watch } from "../controllers/watch.ts";
import type { UploadItem, Uploads } from "../store/uploads.ts";
import { base, buttons } from "../styles/shared.ts";
import { fileSize } from "../text/time.ts";
import { icon } from "./icon.ts";

/** The files that wait to be sent, and how far those are that are under way. */
@customElement("weft-upload-tray")
export class WeftUploadTray extends LitElement {
  @property({ attribute: false }) uploads!: Uploads;

  constructor() {
    super();
    new Watch(this, () => [this.uploads?.$items]);
  }

  static override styles = [
    base,
    buttons,
    css`
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
        max-height: 180px;
        margin: 0;
        padding: var(--space-2) var(--space-2) 0;
        list-style: none;
      }
      li {
        position: relative;
        display: flex;
        align-items: center;
        gap: var(--space-2);
        width: min(260px, 100%);
        padding: var(--space-1) var(--space-1) var(--space-1) var(--space-3);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--sunken);
        overflow: hidden;
      }
      img {
        width: 44px;
        height: 44px;
        margin-left: -4px;
        border-radius: 6px;
        object-fit: cover;
      }
      .about {
        display: grid;
        flex: 1;
        min-width: 0;
        font-size: 0.9em;
        line-height: 1.3;
      }
      .state {
        color: var(--muted);
        font-size: 0.9em;
      }
      .failed .state {
        color: var(--danger);
      }
      progress {
        position: absolute;
        inset: auto 0 0;
        width: 100%;
        height: 3px;
        border: 0;
        appearance: none;
        background: none;
      }
      progress::-webkit-progress-bar {
        background: none;
      }
      progress::-webkit-progress-value {
        background: var(--accent);
      }
      progress::-moz-progress-bar {
        background: var(--accent);
      }
    `,
  ];

  /** Pictures of those that are pictures, for as long as they are here. */
  readonly #pictures = new Map<number, string>();

  override disconnectedCallback(): void {
    this.#drop(() => true);
    super.disconnectedCallback();
  }

  override willUpdate(): void {
    const here = new Set(this.uploads.$items.get().map(({ id }) => id));
    this.#drop((id) => !here.has(id));
  }

  #drop(isOver: (id: number) => boolean): void {
    for (const [id, url] of this.#pictures) {
      if (!isOver(id)) continue;
      URL.revokeObjectURL(url);
      this.#pictures.delete(id);
    }
  }

  #picture({ id, file }: UploadItem) {
    if (!/^image\/(png|jpeg|gif|webp|avif)$/.test(file.type)) {
      return icon(file.type.startsWith("audio/") ? "music" : "file");
    }
    const url = this.#pictures.get(id) ?? URL.createObjectURL(file);
    this.#pictures.set(id, url);
    return html`<img src=${url} alt="" />`;
  }

  #again(item: UploadItem) {
    if (item.state !== "failed") return nothing;
    return html`<button
      type="button"
      class="icon-button"
      aria-label=${msg(str`Try ${item.file.name} again`)}
      title=${msg("Try again")}
      @click=${() => this.dispatchEvent(new CustomEvent("again", { detail: item }))}
    >
      ${icon("retry")}
    </button>`;
  }

  #state(item: UploadItem): string {
    if (item.state === "failed") return msg("Not sent");
    if (item.state === "sending") return msg(str`${Math.round(item.progress * 100)} %`);
    return fileSize(item.file.size);
  }

  #remove(item: UploadItem): void {
    this.uploads.remove(item.id);
    this.dispatchEvent(new CustomEvent("removed", { detail: item }));
  }

  #one(item: UploadItem) {
    const label =
      item.state === "sending"
        ? msg(str`Cancel ${item.file.name}`)
        : msg(str`Remove ${item.file.name}`);
    return html`<li class=${item.state}>
      ${this.#picture(item)}
      <span class="about">
        <span class="ellipsis" title=${item.file.name}>${item.file.name}</span>
        <span class="state">${this.#state(item)}</span>
      </span>
      ${this.#again(item)}
      <button
        type="button"
        class="icon-button"
        aria-label=${label}
        title=${label}
        @click=${() => this.#remove(item)}
      >
        ${icon("close")}
      </button>
      ${
        item.state === "sending"
          ? html`<progress max="1" value=${item.progress} aria-label=${item.file.name}></progress>`
          : nothing
      }
    </li>`;
  }

  override render() {
    const items = this.uploads.$items.get();
    if (items.length === 0) return nothing;
    return html`<ul class="scroll" aria-label=${msg("Files to send")}>
      ${repeat(
        items,
        (item) => item.id,
        (item) => this.#one(item),
      )}
    </ul>`;
  }
}
