import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property } from "lit/decorators.js";
import { unsafeHTML } from "lit/directives/unsafe-html.js";
import { UseClient } from "../controllers/context.ts";
import { openDialog } from "../store/dialogs.ts";
import type { MediaWish } from "../store/media-cache.ts";
import { $route, hrefTo } from "../store/router.ts";
import { richTextStyles } from "../styles/rich-text.ts";
import { base } from "../styles/shared.ts";
import { parseMatrixLink, splitLinks } from "../text/links.ts";
import { isMarkupBomb, sanitise } from "../text/sanitise.ts";

/** Cleaned HTML by its source; the oldest is dropped when there is much. */
const cleaned = new Map<string, string>();

/** Undefined for what no browser copes with: the plain text stands for it. */
function cleanOnce(source: string): string | undefined {
  const known = cleaned.get(source);
  if (known !== undefined) return known;
  if (isMarkupBomb(source)) return undefined;
  const clean = sanitise(source);
  if (cleaned.size > 1000) cleaned.delete(cleaned.keys().next().value!);
  cleaned.set(source, clean);
  return clean;
}

const ONLY_EMOJI = /^(?:\p{RGI_Emoji}\s*){1,6}$/v;

/** The text of a message: plain with its links, or a stranger's HTML made harmless. */
@customElement("weft-rich-text")
export class WeftRichText extends LitElement {
  @property() body = "";
  @property() rich: string | undefined;
  /** Stands in front, for emotes. */
  @property() lead = "";
  @property() tail = "";

  readonly #client = new UseClient(this);
  #images: MediaWish[] = [];
  /** `rich`, made harmless. */
  #markup: string | undefined;

  static override styles = [base, richTextStyles];

  override disconnectedCallback(): void {
    for (const wish of this.#images) this.#client.optional?.media.release(wish);
    this.#images = [];
    super.disconnectedCallback();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("rich")) return;
    this.#markup = this.rich === undefined ? undefined : cleanOnce(this.rich);
  }

  override updated(changed: PropertyValues<this>): void {
    if (this.#markup === undefined || !(changed.has("rich") || this.#images.length === 0)) return;
    for (const element of this.renderRoot.querySelectorAll<HTMLElement>(
      "[data-mx-color], [data-mx-bg-color]",
    )) {
      element.style.color = element.dataset["mxColor"] ?? "";
      element.style.backgroundColor = element.dataset["mxBgColor"] ?? "";
    }
    for (const spoiler of this.renderRoot.querySelectorAll<HTMLElement>("[data-mx-spoiler]")) {
      spoiler.tabIndex = 0;
      spoiler.role = "button";
      spoiler.ariaExpanded = "false";
    }
    for (const image of this.renderRoot.querySelectorAll<HTMLImageElement>(
      "img[data-mxc]:not([src])",
    )) {
      this.#load(image);
    }
  }

  #load(image: HTMLImageElement): void {
    const media = this.#client.optional?.media;
    if (media === undefined) return;
    const wish: MediaWish = {
      mxc: image.dataset["mxc"]!,
      size: { width: 800, height: 600, method: "scale" },
    };
    this.#images.push(wish);
    media.acquire(wish).then(
      (url) => (image.src = url),
      () => undefined,
    );
  }

  readonly #onClick = (event: Event): void => {
    const target = event.target as HTMLElement;
    const spoiler = target.closest<HTMLElement>("[data-mx-spoiler]");
    if (spoiler !== null) {
      spoiler.classList.toggle("shown");
      spoiler.ariaExpanded = String(spoiler.classList.contains("shown"));
    }
    const link = target.closest("a");
    const place = link === null ? undefined : parseMatrixLink(link.href);
    if (place === undefined) return;
    event.preventDefault();
    if (place.kind === "room") {
      const { room, eventId, via } = place;
      location.hash = hrefTo({
        page: "room",
        room,
        via,
        ...(eventId === undefined ? {} : { eventId }),
      });
      return;
    }
    const route = $route.get();
    if (route.page === "room")
      openDialog({ kind: "member", roomId: route.room, userId: place.userId });
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    const spoiler = (event.target as HTMLElement).closest("[data-mx-spoiler]");
    if (spoiler === null || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    this.#onClick(event);
  };

  #plain() {
    return splitLinks(this.body).map((part) =>
      part.href === undefined
        ? part.text
        : html`<a href=${part.href} target="_blank" rel="noopener noreferrer nofollow"
            >${part.text}</a
          >`,
    );
  }

  override render() {
    const prefix = this.lead === "" ? nothing : html`<b class="emote">${this.lead}</b> `;
    const suffix = this.tail === "" ? nothing : html` <span class="suffix">${this.tail}</span>`;
    const plain = this.#markup === undefined;
    const big = plain && ONLY_EMOJI.test(this.body) ? "big" : "";
    const text = plain ? this.#plain() : unsafeHTML(this.#markup);
    // prettier-ignore
    return html`<div dir="auto" class="text ${plain ? "plain" : "rich"} ${big}" @click=${this.#onClick} @keydown=${this.#onKey}>${prefix}${text}${suffix}</div>`;
  }
}
