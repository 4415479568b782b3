import { msg } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { unsafeHTML } from "lit/directives/unsafe-html.js";
import { UseClient } from "../controllers/context.ts";
import { openDialog } from "../store/dialogs.ts";
import type { MediaWish } from "../store/media-cache.ts";
import type { Room } from "../store/room.ts";
import { $route, hrefTo } from "../store/router.ts";
import { richTextStyles } from "../styles/rich-text.ts";
import { base } from "../styles/shared.ts";
import { parseMatrixLink, splitLinks } from "../text/links.ts";
import { beginningOf, isMarkupBomb, sanitiseFolded } from "../text/sanitise.ts";
import { dress, reveal } from "./rich-text/dress.ts";
import { nameLinks, targetName } from "./rich-text/pills.ts";

type Clean = ReturnType<typeof sanitiseFolded>;

/** Cleaned HTML by its source; the oldest is dropped when there is much. */
const cleaned = new Map<string, Clean>();
/** Long messages that somebody wanted to see whole. */
const unfolded = new Set<string>();
const MAX_UNFOLDED = 50;

/** Undefined for what no browser copes with: the plain text stands for it. */
function cleanOnce(source: string): Clean | undefined {
  const known = cleaned.get(source);
  if (known !== undefined) return known;
  if (isMarkupBomb(source)) return undefined;
  const clean = sanitiseFolded(source);
  if (cleaned.size > 1000) cleaned.delete(cleaned.keys().next().value!);
  cleaned.set(source, clean);
  return clean;
}

const ONLY_EMOJI = /^(?:\p{RGI_Emoji}\s*){1,6}$/v;
/** A picture in HTML that was made harmless. */
const PICTURE = /<img\b[^<>]*>/g;

/** Whether there is nothing but a few emoji and pictures of packs: these are shown large. */
function isOnlySigns(body: string, markup: string | undefined): boolean {
  if (markup === undefined) return body.length < 100 && ONLY_EMOJI.test(body);
  if (markup.length > 2000 || !markup.includes("data-mx-emoticon")) return false;
  const signs = markup.replace(PICTURE, (tag) => (tag.includes(" data-mx-emoticon") ? "🧶" : tag));
  return ONLY_EMOJI.test(signs.trim());
}

/** The text of a message: plain with its links, or a stranger's HTML made harmless. Long ones are folded. */
@customElement("weft-rich-text")
export class WeftRichText extends LitElement {
  @property() body = "";
  @property() rich: string | undefined;
  /** Where it was said: people are named as they are here. */
  @property({ attribute: false }) room: Room | undefined;
  /** Changes when people's names may have. */
  @property({ attribute: false }) version = "";
  /** Stands in front, for emotes. */
  @property() lead = "";
  @property() tail = "";
  @state() private isWhole = false;

  readonly #client = new UseClient(this);
  #images: MediaWish[] = [];
  /** `rich`, made harmless. */
  #clean: Clean | undefined;
  #beginning: string | undefined;
  #dressed: string | undefined;

  static override styles = [base, richTextStyles];

  override disconnectedCallback(): void {
    for (const wish of this.#images) this.#client.optional?.media.release(wish);
    this.#images = [];
    super.disconnectedCallback();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("rich") && !changed.has("body")) return;
    this.#clean = this.rich === undefined ? undefined : cleanOnce(this.rich);
    this.#beginning = this.#clean === undefined ? beginningOf(this.body) : this.#clean.beginning;
    this.isWhole = unfolded.has(this.rich ?? this.body);
  }

  /** The harmless HTML that is shown now. */
  get #markup(): string | undefined {
    const clean = this.#clean;
    return clean?.beginning !== undefined && !this.isWhole ? clean.beginning : clean?.whole;
  }

  override updated(): void {
    const markup = this.#markup;
    const root = this.renderRoot.querySelector(".words");
    if (root === null || markup === undefined) return;
    if (this.#dressed !== markup) dress(root);
    this.#dressed = markup;
    nameLinks(root, this.room, this.#client.optional);
    if (!this.isConnected) return;
    for (const image of root.querySelectorAll<HTMLImageElement>("img[data-mxc]:not([src])")) {
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
    const spoiler = target.closest<HTMLElement>("[data-mx-spoiler]:not(.shown)");
    if (spoiler !== null) {
      event.preventDefault();
      reveal(spoiler);
      return;
    }
    const link = target.closest("a");
    const place = link === null ? undefined : parseMatrixLink(link.href);
    if (place === undefined) return;
    event.preventDefault();
    if (place.kind === "room") {
      const { room, eventId, via } = place;
      const event = eventId === undefined ? {} : { eventId };
      location.hash = hrefTo({ page: "room", room, via, ...event });
      return;
    }
    const route = $route.get();
    const roomId = this.room?.roomId ?? (route.page === "room" ? route.room : undefined);
    if (roomId !== undefined) openDialog({ kind: "member", roomId, userId: place.userId });
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    const spoiler = (event.target as HTMLElement).closest("[data-mx-spoiler]:not(.shown)");
    if (spoiler === null || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    this.#onClick(event);
  };

  readonly #unfold = (): void => {
    const key = this.rich ?? this.body;
    this.isWhole = !this.isWhole;
    unfolded.delete(key);
    if (this.isWhole) unfolded.add(key);
    if (unfolded.size > MAX_UNFOLDED) unfolded.delete(unfolded.keys().next().value!);
  };

  #plain() {
    const shown = this.isWhole ? this.body : (this.#beginning ?? this.body);
    return splitLinks(shown).map(({ text, href }) => {
      if (href === undefined) return text;
      const place = parseMatrixLink(href);
      const words =
        place === undefined ? text : targetName(place, this.room, this.#client.optional);
      return html`<a
        class=${place === undefined ? nothing : "pill"}
        href=${href}
        title=${place === undefined ? nothing : text}
        target="_blank"
        rel="noopener noreferrer nofollow"
        >${words}</a
      >`;
    });
  }

  #fold() {
    if (this.#beginning === undefined) return nothing;
    return html`<button
      type="button"
      class="fold"
      aria-expanded=${this.isWhole}
      @click=${this.#unfold}
    >
      ${this.isWhole ? msg("Show less") : msg("Show all")}
    </button>`;
  }

  override render() {
    const lead = this.lead === "" ? nothing : html`<bdi class="emote">${this.lead}</bdi> `;
    const tail = this.tail === "" ? nothing : html` <span class="suffix">${this.tail}</span>`;
    const markup = this.#markup;
    const plain = markup === undefined;
    const big = isOnlySigns(this.body, markup) ? "big" : "";
    const text = plain ? this.#plain() : unsafeHTML(markup);
    const classes = `text ${plain ? "plain" : "rich"} ${big} ${this.lead === "" ? "" : "acted"}`;
    // prettier-ignore
    return html`<div class=${classes} @click=${this.#onClick} @keydown=${this.#onKey}>${lead}<div dir="auto" class="words">${text}</div>${tail}</div>${this.#fold()}`;
  }
}
