import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { UseClient } from "../controllers/context.ts";
import { Media } from "../controllers/media.ts";
import { Watch } from "../controllers/watch.ts";

const HUES = 16;
/** How far the second tone of an avatar lies from the first, in hues. */
const STEPS = [3, -3, 5];

/** A number that is always the same for the same id, and far from that of one that looks alike. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** One of sixteen hues. */
export function hueOf(id: string): number {
  return hashOf(id) % HUES;
}

/** The two hues of somebody's avatar. */
function tonesOf(id: string): [number, number] {
  const first = hueOf(id);
  const step = STEPS[Math.floor(hashOf(id) / HUES) % STEPS.length]!;
  return [first, (first + step + HUES) % HUES];
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
      this.presence === undefined
        ? undefined
        : this.#client.optional?.store.presence.$of(this.presence),
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
      background: linear-gradient(
        140deg,
        color-mix(in oklab, var(--tone-1) 26%, var(--avatar-ground)),
        color-mix(in oklab, var(--tone-2) 58%, var(--avatar-ground))
      );
      color: color-mix(in oklab, var(--tone-1), var(--text) 55%);
      font-weight: 650;
      user-select: none;
    }
    @media (forced-colors: active) {
      .face {
        border: 1px solid CanvasText;
      }
      .dot {
        forced-color-adjust: none;
      }
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
    const [first, second] = tonesOf(this.seed);
    const state =
      this.presence === undefined
        ? undefined
        : this.#client.optional?.store.presence.of(this.presence)?.state;
    const shape = `width:${this.size}px;height:${this.size}px;font-size:${Math.round(this.size * 0.44)}px`;
    return html`<div
        class="face"
        style="${shape};--tone-1:var(--hue-${first});--tone-2:var(--hue-${second})"
        aria-hidden="true"
      >
        ${this.#media.url === undefined ? initialOf(this.name) : html`<img src=${this.#media.url} alt="" />`}
      </div>
      ${state === undefined || state === "offline" ? nothing : html`<span class="dot ${state}" aria-hidden="true"></span>`}`;
  }
}
