import { createApi, type Api } from "../api/index.ts";
import type { Session } from "../api/session.ts";
import { createTokenSource } from "../api/tokens.ts";
import type { SyncResponse } from "../api/types.ts";
import { createHistory, type History } from "./history.ts";
import { createMediaCache, type MediaCache } from "./media-cache.ts";
import { followNews } from "./notifier.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { openPersistence, type Persistence } from "./persistence.ts";
import { RoomStore } from "./room-store.ts";
import { createSyncEngine, type SyncEngine } from "./sync-engine.ts";

/** A signed-in device: what it knows, how it keeps up, and what it can do. Given to elements as one property. */
export interface Client {
  readonly session: Session;
  readonly api: Api;
  readonly store: RoomStore;
  readonly sync: SyncEngine;
  readonly outbox: Outbox;
  readonly history: History;
  readonly media: MediaCache;
  /** Stops following the server; with `forget`, what is kept on this machine goes too. */
  close(forget: boolean): Promise<void>;
}

/** Milliseconds that changes wait for others before they are written to disk. */
const SAVE_DELAY = 1500;

/** Writes what changed a moment after it did, and at once when the page is being left. */
function createSaver(
  store: RoomStore,
  persistence: Persistence | undefined,
  since: () => string | undefined,
) {
  let dirty = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const position = since();
    if (position === undefined || persistence === undefined) return;
    const rooms = dirty;
    dirty = new Set();
    persistence.save(store, position, rooms).catch(() => {
      for (const roomId of rooms) dirty.add(roomId);
    });
  }

  return {
    flush,
    touch(roomIds: Iterable<string>): void {
      for (const roomId of roomIds) dirty.add(roomId);
      timer ??= setTimeout(flush, SAVE_DELAY);
    },
    stop(): void {
      clearTimeout(timer);
      dirty.clear();
    },
  };
}

/** Presence follows the page's visibility, retries follow the network; answers the function that ends both. */
function followPage(sync: SyncEngine, outbox: Outbox, flush: () => void): () => void {
  const onVisibility = (): void => {
    sync.$presence.set(document.hidden ? "unavailable" : "online");
    if (document.hidden) flush();
    else sync.retryNow();
  };
  const onOnline = (): void => {
    sync.retryNow();
    outbox.retryNow();
  };
  document.addEventListener("visibilitychange", onVisibility);
  window.addEventListener("online", onOnline);
  window.addEventListener("pagehide", flush);
  const unlisten = sync.$status.listen((status) => {
    if (status === "live") outbox.retryNow();
  });
  return () => {
    document.removeEventListener("visibilitychange", onVisibility);
    window.removeEventListener("online", onOnline);
    window.removeEventListener("pagehide", flush);
    unlisten();
  };
}

/**
 * Opens a device: reads what was kept from the last visit, then follows the server. `onEnded` is told when the server
 * ends the session; `soft` means that its data may be kept for signing in again.
 */
export async function openClient(
  session: Session,
  onEnded: (soft: boolean) => void,
): Promise<Client> {
  const store = new RoomStore(session.userId);
  const api = createApi(session, createTokenSource(session, onEnded));
  const persistence = await openPersistence(session.userId, session.deviceId).catch(
    () => undefined,
  );
  const since = await persistence?.load(store).catch(() => undefined);

  const saver = createSaver(store, persistence, () => sync.since);
  const outbox = createOutbox({
    api: api.rooms,
    me: session.userId,
    onChange(room) {
      room.changed("$timeline");
      store.refresh([room.roomId]);
    },
  });
  const sync = createSyncEngine({
    api: api.sync,
    since,
    apply(response: SyncResponse) {
      const touched = store.apply(response, Date.now(), sync.since === undefined);
      // `sync.since` moves on right after this; the write waits longer than that.
      saver.touch(touched);
    },
    onReset() {
      void persistence?.clear().catch(() => undefined);
    },
  });
  const unfollow = followPage(sync, outbox, saver.flush);
  // Only from here on is anything news: what was restored is known already.
  const unfollowNews = followNews(store);
  sync.start();

  return {
    session,
    api,
    store,
    sync,
    outbox,
    history: createHistory(api.rooms, store),
    media: createMediaCache(api.media),
    async close(forget) {
      sync.stop();
      outbox.stop();
      unfollow();
      unfollowNews();
      if (!forget) return saver.flush();
      saver.stop();
      await persistence?.destroy().catch(() => undefined);
    },
  };
}
