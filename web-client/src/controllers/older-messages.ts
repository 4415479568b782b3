import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Client } from "../store/client.ts";
import type { Room } from "../store/room.ts";

interface Place {
  client(): Client;
  room(): Room;
  /** True when so little is left above the window that more is wanted. */
  near(): boolean;
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
    const [client, room] = [this.#place.client(), this.#place.room()];
    if (this.failed || room.timeline.reachedStart || client.history.isPaging(room)) return;
    if (client.sync.$status.get() === "offline" || !this.#place.near()) return;
    client.history
      .older(room)
      .catch(() => {
        this.failed = true;
      })
      .finally(() => this.#host.requestUpdate());
    this.#host.requestUpdate();
  }
}
