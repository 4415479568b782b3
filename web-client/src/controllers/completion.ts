import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Mention } from "../text/compose.ts";

/** Something that an unfinished word may become. */
export interface Offer {
  label: string;
  /** Stands behind the label, quieter. */
  detail?: string;
  /** A drawing in front: an emoji, or the picture of a person, room or emoticon. */
  emoji?: string;
  avatar?: { seed: string; name: string; mxc: string | undefined };
  image?: string;
  /** What takes the word's place; a space follows it. */
  text: string;
  mention?: Mention;
}

/** Where a word begins that something is offered for, and what is offered. */
export interface Offers {
  start: number;
  /** What the list is called. */
  label: string;
  offers: readonly Offer[];
}

/** Finds offers for the word before the caret; undefined when there is none to complete. */
export type OfferSource = (
  text: string,
  caret: number,
) => Offers | undefined | Promise<Offers | undefined>;

/** Offers what the word before the caret may become, and keeps who was mentioned by it. */
export class Completion implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #source: OfferSource;
  offered: readonly Offer[] = [];
  label = "";
  selected = 0;
  mentions: Mention[] = [];
  #start = 0;
  #asked = 0;

  constructor(host: ReactiveControllerHost, source: OfferSource) {
    this.#host = host;
    this.#source = source;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.#asked++;
    this.offered = [];
  }

  get open(): boolean {
    return this.offered.length > 0;
  }

  /** The text or caret changed. Offers that take time are shown when nothing changed meanwhile. */
  look(text: string, caret: number): void {
    const turn = ++this.#asked;
    const found = this.#source(text, caret);
    if (found instanceof Promise) {
      found.then(
        (offers) => turn === this.#asked && this.#show(offers),
        () => turn === this.#asked && this.#show(undefined),
      );
    } else this.#show(found);
  }

  #show(found: Offers | undefined): void {
    this.offered = found?.offers ?? [];
    this.label = found?.label ?? "";
    this.#start = found?.start ?? 0;
    this.selected = 0;
    this.#host.requestUpdate();
  }

  move(by: number): void {
    this.selected = (this.selected + by + this.offered.length) % this.offered.length;
    this.#host.requestUpdate();
  }

  close(): void {
    this.#asked++;
    this.#show(undefined);
  }

  /** What the text becomes with the offer of this number: from where the word began, what is put there. */
  choose(index: number): { start: number; text: string } | undefined {
    const offer = this.offered[index];
    if (offer === undefined) return undefined;
    const { mention } = offer;
    if (mention !== undefined) {
      const others = this.mentions.filter(({ name }) => name !== mention.name);
      this.mentions = [...others, mention];
    }
    const chosen = { start: this.#start, text: `${offer.text} ` };
    this.close();
    return chosen;
  }

  reset(mentions: readonly Mention[] = []): void {
    this.mentions = [...mentions];
    this.close();
  }
}
