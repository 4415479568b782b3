import { msg, str } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { object, text, type MatrixEvent, type UncheckedInfo } from "../../api/types.ts";
import { UseClient } from "../../controllers/context.ts";
import { Media } from "../../controllers/media.ts";
import { wishFor } from "../../store/files.ts";
import type { MediaWish } from "../../store/media-cache.ts";
import { base, buttons } from "../../styles/shared.ts";
import { plainName } from "../../text/names.ts";
import { icon } from "../icon.ts";

/** The small picture of a picture or film. */
@customElement("weft-file-tile")
export class WeftFileTile extends LitElement {
  @property({ attribute: false }) event!: MatrixEvent;
  /** The name of who sent it. */
  @property() by = "";

  readonly #client = new UseClient(this);
  readonly #media = new Media(
    this,
    () => this.#client.optional?.media,
    () => this.#wish(),
  );

  static override styles = [
    base,
    buttons,
    css`
      button {
        display: grid;
        place-items: center;
        width: 100%;
        aspect-ratio: 1;
        padding: 0;
        overflow: hidden;
        border: 0;
        border-radius: 6px;
        background: var(--sunken);
        color: var(--muted);
      }
      img {
        width: 100%;
        height: 100%;
        object-fit: cover;
      }
    `,
  ];

  #wish(): MediaWish | undefined {
    const { content } = this.event;
    const info: UncheckedInfo | undefined = object(content, "info");
    const thumbnailType = text(object(info, "thumbnail_info"), "mimetype");
    const thumbnail = wishFor(
      info,
      { url: "thumbnail_url", file: "thumbnail_file" },
      thumbnailType,
    );
    if (text(content, "msgtype") !== "m.image") return thumbnail;
    const whole = wishFor(content, { url: "url", file: "file" }, text(info, "mimetype"));
    if (whole === undefined || whole.sealed !== undefined) return thumbnail ?? whole;
    return { ...whole, size: { width: 320, height: 240, method: "scale" } };
  }

  override render() {
    const { content } = this.event;
    const name = plainName(text(content, "filename") ?? text(content, "body")) ?? msg("File");
    const label = msg(str`${name}, from ${this.by}`);
    const film = text(content, "msgtype") === "m.video";
    return html`<button type="button" aria-label=${label} title=${label}>
      ${
        this.#media.url === undefined
          ? icon(film ? "film" : "image")
          : html`<img src=${this.#media.url} alt="" />`
      }
    </button>`;
  }
}
