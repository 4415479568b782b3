import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { UseClient } from "../controllers/context.ts";
import { Media } from "../controllers/media.ts";

/** A picture of a pack, as large as its place. */
@customElement("weft-emoticon")
export class WeftEmoticon extends LitElement {
  @property() mxc = "";
  @property() name = "";
  /** Fetched once it is near what is seen: there may be hundreds. */
  @property({ type: Boolean }) lazy = false;
  @state() private isNear = false;
  #watching: IntersectionObserver | undefined;

  readonly #client = new UseClient(this);
  readonly #media = new Media(
    this,
    () => this.#client.optional?.media,
    () =>
      this.mxc === "" || (this.lazy && !this.isNear) ? undefined : { mxc: this.mxc, size: SIZE },
  );

  static override styles = css`
    :host {
      display: inline-grid;
      place-items: center;
      width: 1.6em;
      height: 1.6em;
      min-width: 0;
      min-height: 0;
    }
    img {
      min-width: 0;
      min-height: 0;
      max-width: 100%;
      max-height: 100%;
    }
  `;

  override firstUpdated(): void {
    if (!this.lazy) return;
    this.#watching = new IntersectionObserver(
      (seen) => {
        if (!seen.some(({ isIntersecting }) => isIntersecting)) return;
        this.isNear = true;
        this.#watching?.disconnect();
      },
      { rootMargin: "200px" },
    );
    this.#watching.observe(this);
  }

  override disconnectedCallback(): void {
    this.#watching?.disconnect();
    super.disconnectedCallback();
  }

  override render() {
    const { url } = this.#media;
    return url === undefined ? nothing : html`<img src=${url} alt=${this.name} />`;
  }
}

const SIZE = { width: 160, height: 160, method: "scale" } as const;
