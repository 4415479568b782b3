import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { UseClient } from "../controllers/context.ts";
import { Media } from "../controllers/media.ts";
import { Watch } from "../controllers/watch.ts";

/** One of eight hues, always the same for the same id. */
export function hueOf(id: string): number {
  let hash = 0;
  for (let at = 0; at < id.length; at++) hash = (hash * 31 + id.charCodeAt(at)) | 0;
  return Math.abs(hash) % 8;
}

/** The first letter of a name, skipping sigils; whole emoji stay whole. */
function initialOf(name: string): string {
  const plain = name.replace(/^[@#!\s]+/, "");
  const first = new Intl.Segmenter().segment(plain)[Symbol.iterator]().next().value?.segment;
  return (first ?? "?").toLocaleUpperCase();
}

/** A picture of a person or room, or their initial on a colour of their own. With `presence`, a dot says who is there. */
@customElement("weft-avatar")
export class WeftAvatar extends LitElement {
  /** User or room id: chooses the colour. */
  @property() seed = "";
  @property() name = "";
  @property() mxc: string | undefined;
  @property({ type: Number }) size = 36;
  /** The user whose presence is shown. */
  @property() presence: string | undefined;

  readonly #client = new UseClient(this);
  readonly #media = new Media(
    this,
    () => this.#client.optional?.media,
    () =>
      this.mxc === undefined || this.mxc === ""
        ? undefined
        : { mxc: this.mxc, size: { width: 96, height: 96, method: "crop" } },
  );

  constructor() {
    super();
    new Watch(this, () => [
      this.presence === undefined ? undefined : this.#client.optional?.store.presence.$version,
    ]);
  }

  static override styles = css`
    :host {
      position: relative;
      display: inline-block;
      flex: none;
      vertical-align: middle;
    }
    .face {
      display: grid;
      place-items: center;
      width: 100%;
      height: 100%;
      border-radius: 32%;
      overflow: hidden;
      background: color-mix(in oklab, var(--hue) 16%, var(--paper));
      color: var(--hue);
      font-weight: 600;
      user-select: none;
    }
    img {
      width: 100%;
      height: 100%;
      object-fit: cover;
    }
    .dot {
      position: absolute;
      right: -3px;
      bottom: -3px;
      width: 12px;
      height: 12px;
      border: 2px solid var(--dot-ring, var(--paper));
      border-radius: 50%;
      background: var(--muted);
    }
    .dot.online {
      background: var(--online);
    }
    .dot.unavailable {
      background: var(--away);
    }
  `;

  override render() {
    const state =
      this.presence === undefined
        ? undefined
        : this.#client.optional?.store.presence.of(this.presence)?.state;
    const shape = `width:${this.size}px;height:${this.size}px;font-size:${Math.round(this.size * 0.44)}px`;
    return html`<div
        class="face"
        style="${shape};--hue:var(--hue-${hueOf(this.seed)})"
        aria-hidden="true"
      >
        ${this.#media.url === undefined ? initialOf(this.name) : html`<img src=${this.#media.url} alt="" />`}
      </div>
      ${state === undefined || state === "offline" ? nothing : html`<span class="dot ${state}" aria-hidden="true"></span>`}`;
  }
}
