import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Client } from "../store/client.ts";
import type { Room } from "../store/room.ts";
import type { Timeline } from "../store/timeline.ts";

interface Place {
  client(): Client;
  room(): Room;
  /** The stretch that is shown. */
  stretch(): Timeline;
  /** Whether so little is left on that side of the window that more is wanted. */
  nearStart(): boolean;
  nearEnd(): boolean;
  /** A page has come. */
  onPage(): void;
}

/** Fetches history before it is scrolled to. A failure stops it till the person, or the connection's return, asks again. */
export class OlderMessages implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #place: Place;
  #unlisten: (() => void) | undefined;
  failed = false;

  constructor(host: ReactiveControllerHost, place: Place) {
    this.#host = host;
    this.#place = place;
    host.addController(this);
  }

  hostConnected(): void {
    this.#unlisten = this.#place.client()?.sync.$status.listen((status) => {
      if (status === "live" && this.failed) this.retry();
    });
  }

  hostDisconnected(): void {
    this.#unlisten?.();
  }

  retry(): void {
    this.failed = false;
    this.look();
  }

  /** The window moved, or what is in it changed. */
  look(): void {
    const [client, room, stretch] = [
      this.#place.client(),
      this.#place.room(),
      this.#place.stretch(),
    ];
    if (this.failed || client.sync.$status.get() === "offline") return;
    const { history } = client;
    if (!stretch.reachedStart && !history.isPaging(room, stretch) && this.#place.nearStart()) {
      this.#take(history.older(room, stretch));
    }
    if (
      stretch.nextToken !== undefined &&
      !history.isPagingForth(stretch) &&
      this.#place.nearEnd()
    ) {
      this.#take(history.newer(room, stretch));
    }
  }

  #take(page: Promise<boolean>): void {
    page
      .then(
        () => this.#place.onPage(),
        () => {
          this.failed = true;
        },
      )
      .finally(() => this.#host.requestUpdate());
    this.#host.requestUpdate();
  }
}
