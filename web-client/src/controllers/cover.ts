import type { ReactiveController, ReactiveControllerHost } from "lit";
import { holdBack } from "../store/way-back.ts";

/** There is no room for a panel at the side of a conversation: it lies over it. As the styles of the room have it. */
const covers = matchMedia("(max-width: 960px)");

/** Has the browser's way back close a panel that lies over what it belongs to, before it leaves the place. */
export class Cover implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #isOpen: () => boolean;
  readonly #close: () => void;
  #letBack: (() => void) | undefined;

  constructor(host: ReactiveControllerHost, isOpen: () => boolean, close: () => void) {
    this.#host = host;
    this.#isOpen = isOpen;
    this.#close = close;
    host.addController(this);
  }

  get isOver(): boolean {
    return this.#isOpen() && covers.matches;
  }

  hostConnected(): void {
    covers.addEventListener("change", this.#onChange);
  }

  hostUpdated(): void {
    if (!this.isOver) this.#let();
    else {
      this.#letBack ??= holdBack(() => {
        this.#close();
        return true;
      });
    }
  }

  hostDisconnected(): void {
    covers.removeEventListener("change", this.#onChange);
    this.#let();
  }

  readonly #onChange = (): void => this.#host.requestUpdate();

  #let(): void {
    this.#letBack?.();
    this.#letBack = undefined;
  }
}
