import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { Media } from "../controllers/media.ts";
import type { Client } from "../store/client.ts";
import { previewOf, type LinkPreview } from "../store/link-previews.ts";
import { base } from "../styles/shared.ts";

/** What a page says of itself, below the message that links to it. Asked of the own server, and of nobody else. */
@customElement("weft-link-preview")
export class WeftLinkPreview extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property() url = "";
  @state() private preview: LinkPreview | undefined;
  #asked = "";

  readonly #media = new Media(
    this,
    () => this.client?.media,
    () => {
      const image = this.preview?.image;
      return image && { mxc: image.mxc, size: { width: 320, height: 240, method: "scale" } };
    },
  );

  static override styles = [
    base,
    css`
      :host {
        display: block;
      }
      a {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 0 var(--space-3);
        width: min(440px, 100%);
        margin: var(--space-1) 0;
        padding: var(--space-2) var(--space-3);
        border: 1px solid var(--line);
        border-left: 3px solid var(--accent);
        border-radius: var(--radius);
        background: var(--raised);
        color: var(--text);
        line-height: 1.35;
        text-decoration: none;
      }
      a:hover .title {
        text-decoration: underline;
      }
      .site {
        color: var(--muted);
        font-size: 0.83em;
      }
      .title {
        font-weight: 600;
      }
      .description {
        display: -webkit-box;
        color: var(--muted);
        font-size: 0.9em;
        overflow: hidden;
        overflow-wrap: anywhere;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 2;
      }
      .site,
      .title,
      .description {
        grid-column: 1;
      }
      .image {
        display: grid;
        grid-column: 2;
        grid-row: 1 / 4;
        place-items: center;
        align-self: center;
        width: 84px;
        height: 64px;
        border-radius: 6px;
        background: var(--sunken);
        overflow: hidden;
      }
      img {
        width: 100%;
        height: 100%;
        object-fit: cover;
      }
    `,
  ];

  override willUpdate(): void {
    if (this.#asked === this.url) return;
    const { url } = this;
    this.#asked = url;
    this.preview = undefined;
    void previewOf(this.client, url).then((preview) => {
      if (this.#asked === url) this.preview = preview;
    });
  }

  override render() {
    const { preview } = this;
    if (preview === undefined) return nothing;
    const { title, site, description, image } = preview;
    const host = new URL(this.url).host;
    return html`<a href=${this.url} target="_blank" rel="noopener noreferrer nofollow">
      <span class="site ellipsis">${site === undefined ? host : `${site} · ${host}`}</span>
      <span class="title ellipsis">${title}</span>
      ${description === undefined ? nothing : html`<span class="description">${description}</span>`}
      ${
        image === undefined
          ? nothing
          : html`<span class="image"
              >${this.#media.url === undefined ? nothing : html`<img src=${this.#media.url} alt="" />`}</span
            >`
      }
    </a>`;
  }
}
