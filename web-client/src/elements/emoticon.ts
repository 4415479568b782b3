import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { UseClient } from "../controllers/context.ts";
import { Media } from "../controllers/media.ts";

/** A picture of a pack, as large as its place. */
@customElement("weft-emoticon")
export class WeftEmoticon extends LitElement {
  @property() mxc = "";
  @property() name = "";

  readonly #client = new UseClient(this);
  readonly #media = new Media(
    this,
    () => this.#client.optional?.media,
    () => (this.mxc === "" ? undefined : { mxc: this.mxc, size: SIZE }),
  );

  static override styles = css`
    :host {
      display: inline-grid;
      place-items: center;
      width: 1.6em;
      height: 1.6em;
    }
    img {
      max-width: 100%;
      max-height: 100%;
    }
  `;

  override render() {
    const { url } = this.#media;
    return url === undefined ? nothing : html`<img src=${url} alt=${this.name} />`;
  }
}

const SIZE = { width: 96, height: 96, method: "scale" } as const;
