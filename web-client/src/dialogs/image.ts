import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { UseClient } from "../controllers/context.ts";
import { Media } from "../controllers/media.ts";
import type { MediaWish } from "../store/media-cache.ts";
import { attempt } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { saveFile } from "../elements/save-file.ts";
import { icon } from "../elements/icon.ts";
import "../elements/dialog.ts";

/** A picture in full size. */
@customElement("weft-image-view")
export class WeftImageView extends LitElement {
  @property({ attribute: false }) shown: { file: MediaWish; name: string } | undefined;
  readonly #client = new UseClient(this);
  readonly #media = new Media(
    this,
    () => this.#client.optional?.media,
    () => this.shown?.file,
  );

  static override styles = [
    base,
    buttons,
    css`
      .view {
        display: grid;
        grid-template-rows: minmax(0, 1fr) auto;
        gap: var(--space-3);
        height: 100%;
        place-items: center;
      }
      img {
        max-width: 100%;
        max-height: 100%;
        min-height: 0;
        object-fit: contain;
      }
    `,
  ];

  #picture() {
    if (this.#media.failed) return html`<p>${msg("The picture cannot be loaded.")}</p>`;
    if (this.#media.url === undefined) return html`<p role="status">${msg("Loading…")}</p>`;
    return html`<img src=${this.#media.url} alt=${this.shown?.name} />`;
  }

  #save(): void {
    const media = this.#client.optional?.media;
    const { shown } = this;
    if (media === undefined || shown === undefined) return;
    void attempt(() => saveFile(media, shown.file, shown.name));
  }

  override render() {
    return html`<weft-dialog wide heading=${this.shown?.name ?? ""}>
      <div class="view">
        ${this.#picture()}
        <button type="button" class="button" @click=${() => this.#save()}>
          ${icon("download")} ${msg("Download")}
        </button>
      </div>
    </weft-dialog>`;
  }
}
