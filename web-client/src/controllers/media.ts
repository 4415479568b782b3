import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { MediaCache, MediaWish } from "../store/media-cache.ts";

function same(a: MediaWish | undefined, b: MediaWish | undefined): boolean {
  return (
    a?.mxc === b?.mxc &&
    a?.sealed?.file.key.k === b?.sealed?.file.key.k &&
    a?.size?.width === b?.size?.width &&
    a?.size?.method === b?.size?.method
  );
}

/** Holds one file of the media cache while its host is on the page: `url` when it is there, `failed` when it can't be had. */
export class Media implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #cache: () => MediaCache | undefined;
  readonly #wish: () => MediaWish | undefined;
  #held: { cache: MediaCache; wish: MediaWish } | undefined;
  #connected = false;
  url: string | undefined;
  failed = false;

  constructor(
    host: ReactiveControllerHost,
    cache: () => MediaCache | undefined,
    wish: () => MediaWish | undefined,
  ) {
    this.#host = host;
    this.#cache = cache;
    this.#wish = wish;
    host.addController(this);
  }

  hostConnected(): void {
    this.#connected = true;
    this.#host.requestUpdate();
  }

  hostUpdate(): void {
    if (!this.#connected) return;
    const [cache, wish] = [this.#cache(), this.#wish()];
    if (same(wish, this.#held?.wish) && (cache === this.#held?.cache || wish === undefined)) return;
    this.#let();
    if (cache === undefined || wish === undefined) return;
    this.#take(cache, wish);
  }

  hostDisconnected(): void {
    this.#connected = false;
    this.#let();
  }

  #take(cache: MediaCache, wish: MediaWish): void {
    const held = { cache, wish };
    this.#held = held;
    cache.acquire(wish).then(
      (url) => this.#settle(held, url),
      () => this.#settle(held, undefined),
    );
  }

  #settle(held: object, url: string | undefined): void {
    if (this.#held !== held) return;
    this.url = url;
    this.failed = url === undefined;
    this.#host.requestUpdate();
  }

  #let(): void {
    this.#held?.cache.release(this.#held.wish);
    this.#held = undefined;
    this.url = undefined;
    this.failed = false;
  }

  retry(): void {
    this.#let();
    this.#host.requestUpdate();
  }
}
