import { createApi, type Api } from "../api/index.ts";
import { createTokenSource } from "../api/tokens.ts";
import type { SocketState } from "../api/socket.ts";
import type { Synced } from "../api/sync.ts";
import type { SyncResponse } from "../api/types.ts";
import { keptSession, nameFor, type Session } from "../api/session.ts";
import { createEncryption } from "../encryption/front.ts";
import type { Encryption } from "../encryption/port.ts";
import { openDirect } from "./actions.ts";
import { OFFERED } from "./encryption-offer.ts";
import { createDrafts, type Drafts } from "./drafts.ts";
import { createHistory, type History } from "./history.ts";
import { createMediaCache, type MediaCache } from "./media-cache.ts";
import { followNews, PUSH_KEY } from "./notifier.ts";
import { PLACE_KEY } from "./list-place.ts";
import { page } from "./page.ts";
import { createOutbox, type Outbox, type Unsent } from "./outbox.ts";
import { openPersistence, type Persistence } from "./persistence.ts";
import { createIntake } from "./reading.ts";
import type { Room } from "./room.ts";
import { RoomStore } from "./room-store.ts";
import { $route } from "./router.ts";
import { createSaver } from "./saver.ts";
import type { Indexing } from "./search/indexing.ts";
import { indexLater } from "./search/lazy-indexing.ts";
import { dropSetting, readSetting, writeSetting } from "./settings.ts";
import type { Shelf } from "./shelf.ts";
import { createSyncEngine, type SyncDeps, type SyncEngine } from "./sync-engine.ts";

/** A signed-in device: what it knows, how it keeps up, and what it can do. Given to elements as one property. */
export interface Client {
  readonly session: Session;
  readonly api: Api;
  readonly store: RoomStore;
  readonly sync: SyncEngine;
  readonly outbox: Outbox;
  readonly drafts: Drafts;
  readonly history: History;
  readonly media: MediaCache;
  readonly encryption: Encryption;
  /** What this device has read of encrypted rooms, to be searched. */
  readonly indexing: Indexing;
  /** Stops following the server; with `forget`, what is kept on this machine goes too. */
  close(forget: boolean): Promise<void>;
}

/** Presence and notes follow the page's visibility, retries follow the network; answers the function that ends both. */
function followPage(
  { sync, outbox, store, api: { socket } }: Pick<Client, "sync" | "outbox" | "store" | "api">,
  flush: () => void,
): () => void {
  const { $own } = store.presence;
  const showOwn = (): void => {
    const { state } = $own.get();
    sync.$presence.set(state === "online" && document.hidden ? "unavailable" : state);
  };
  const onVisibility = (): void => {
    showOwn();
    if (document.hidden) flush();
    else {
      sync.retryNow();
      socket.retryNow();
    }
  };
  const onOffline = (): void => sync.lost();
  const onOnline = (): void => {
    sync.retryNow();
    socket.retryNow();
    outbox.retryNow();
  };
  document.addEventListener("visibilitychange", onVisibility);
  window.addEventListener("online", onOnline);
  window.addEventListener("offline", onOffline);
  window.addEventListener("pagehide", flush);
  const unown = $own.subscribe(showOwn);
  const unlisten = sync.$status.listen((status) => {
    if (status !== "live") return;
    outbox.retryNow();
    // The first answer is the largest, and comes compressed over HTTP.
    socket.start();
  });
  const unfollowNews = followNews(store, () => sync.$hasAll.get());
  const unshow = socket.$state.subscribe(showState);
  return () => {
    document.removeEventListener("visibilitychange", onVisibility);
    window.removeEventListener("online", onOnline);
    window.removeEventListener("offline", onOffline);
    window.removeEventListener("pagehide", flush);
    unown();
    unfollowNews();
    unlisten();
    unshow();
    socket.stop();
  };
}

/** For whoever looks for a fault; people need not know. */
function showState(state: SocketState): void {
  document.documentElement.dataset["socket"] = state;
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
  const dropOwn = ownSettings(session);
  const { persistence, since } = await openKept(session, store);
  const ended = new AbortController();
  const saver = createSaver(store, persistence, () => sync.since);
  const indexing = indexLater(session);
  const encryption = createEncryption({
    session,
    api,
    store,
    loadMembers: (room) => history.members(room),
    openDirect: (userId) => openDirect(client, userId),
    isSignedIn: () => keptSession(session.userId)?.deviceId === session.deviceId,
    onHealed(room, events) {
      indexing.note(room.roomId, events);
      store.refresh([room.roomId]);
      saver.touch([room.roomId]);
    },
    isBehind: behindMark(session),
  });
  const history = createHistory(api, store, async (roomId, events) => {
    if (!encryption.isReady) return [...events];
    const read = await encryption.during(() => encryption.reader.events(roomId, events));
    // Who joins late finds here what somebody began while they were invited, oldest first.
    encryption.watch(roomId, read.toReversed());
    if (store.room(roomId)?.encryption !== undefined) indexing.note(roomId, read);
    return read;
  });
  const outbox = createOutbox({
    api: api.rooms,
    me: session.userId,
    seal: encryption.rooms.encrypt,
    keep: (room, txnId, unsent) =>
      persistence?.shelf.put("unsent", txnId, unsent, room.encryption !== undefined),
    onChange(room) {
      room.changed("$timeline");
      store.refresh([room.roomId]);
    },
  });
  const drafts = createDrafts(persistence?.shelf);
  await drafts.load();
  const intake = createIntake(encryption, ({ response, all }) => {
    // `sync.since` moves on after this; the write waits for it.
    saver.touch(store.apply(response, Date.now(), all));
    indexNews(indexing, store, response);
  });
  const sync = createSyncEngine({
    api: api.sync,
    since,
    open: openRoom,
    apply: inParts(intake),
    onReset() {
      void persistence?.clear().catch(() => undefined);
    },
  });
  const unfollowEngine = followEngine(encryption, sync);
  const unfollow = followPage({ sync, outbox, store, api }, saver.flush);
  const client: Client = {
    session,
    api,
    store,
    sync,
    outbox,
    drafts,
    history,
    media: createMediaCache(api.media),
    encryption,
    indexing,
    async close(forget) {
      ended.abort();
      if (forget) dropOwn();
      sync.stop();
      outbox.stop();
      unfollow();
      unfollowEngine();
      await persistence?.shelf.settled();
      if (forget) saver.stop();
      else saver.flush();
      await indexing.close(forget).catch(() => undefined);
      await encryption.close(forget).catch(() => undefined);
      if (forget) await persistence?.destroy().catch(() => undefined);
    },
  };
  const goOn = async (): Promise<void> => {
    if (persistence !== undefined) await goOnSending(client, persistence.shelf, since);
    // Closed meanwhile, or about to begin anew.
    if (ended.signal.aborted || store.isFilling) return;
    sync.start();
    void drawn().then(encryption.start);
  };
  if (persistence !== undefined && store.isFilling) {
    void fill(persistence, store, ended.signal).then(goOn);
  } else await goOn();
  return client;
}

/** Opens what was kept from the last visit: the list of rooms, where that can be shown before them, or else all of it. */
async function openKept({ userId, deviceId }: Session, store: RoomStore) {
  const persistence = await openPersistence(userId, deviceId).catch(() => undefined);
  const seen = await persistence?.glance(store, openRoom()).catch(() => undefined);
  return { persistence, since: seen ?? (await persistence?.load(store).catch(() => undefined)) };
}

/** The room that the address leads to. */
function openRoom(): string | undefined {
  const route = $route.get();
  return "room" in route ? route.room : undefined;
}

/** Reads what the list, which is seen already, stands for. */
async function fill(persistence: Persistence, store: RoomStore, ended: AbortSignal): Promise<void> {
  if (!document.hidden) await drawn();
  if (ended.aborted) return;
  const since = await persistence.load(store).catch(() => undefined);
  if (since !== undefined || ended.aborted) return;
  // A room cannot be opened: all is asked of the server anew, by a page that knows nothing.
  const isCleared = await persistence.clear().then(
    () => true,
    () => false,
  );
  if (isCleared) page.reload();
  else store.filled();
}

/** Answers what forgets the settings of an account: whoever signs in next chooses for themselves. */
function ownSettings({ userId }: Session): () => void {
  const names = [OFFERED, PUSH_KEY, PLACE_KEY].map((name) => nameFor(name, userId));
  return () => {
    for (const name of names) dropSetting(name);
  };
}

/** Whether the engine is behind what was synced, kept in this browser. */
function behindMark({ userId, deviceId }: Session) {
  const key = `weft.encryption-behind ${userId} ${deviceId}`;
  return {
    get: () => readSetting(key) !== null,
    set: (to: boolean) => (to ? writeSetting(key, "yes") : dropSetting(key)),
  };
}

/** Takes up what an earlier page wrote and could not send, in rooms that one is still in. */
async function goOnSending(
  { store, sync, outbox }: Client,
  shelf: Shelf,
  since: string | undefined,
): Promise<void> {
  const goOn = async (): Promise<void> => {
    const kept = await shelf.all("unsent").catch(() => []);
    const sendable = kept.flatMap(([txnId, value]): [string, Unsent, Room][] => {
      const unsent = value as Unsent;
      const room = store.room(unsent.roomId);
      return room?.membership === "join" ? [[txnId, unsent, room]] : [];
    });
    outbox.restore(sendable);
  };
  if (since !== undefined) return goOn();
  // The rooms that it is for are not known before.
  void sync.hasAll().then(goOn);
}

/** After a part of the rooms the next waits: not to take the page's own parts from it where the network is slow. */
function inParts(intake: (synced: Synced) => Promise<boolean>): SyncDeps["apply"] {
  return async (synced) => {
    const isKept = await intake(synced);
    if (synced.isPartial === true) await drawn();
    return isKept;
  };
}

/** What the engine could not take meanwhile is on the server still. */
function followEngine({ $status }: Encryption, sync: SyncEngine): () => void {
  return $status.listen(({ engine }, before) => {
    if (engine === "ready" && before?.engine !== "ready") sync.retryNow();
  });
}

/** Notes down what a sync brought to encrypted rooms, and lets go of those that were left. */
function indexNews(indexing: Indexing, store: RoomStore, { rooms }: SyncResponse): void {
  for (const [roomId, { timeline }] of Object.entries(rooms?.join ?? {})) {
    if (store.room(roomId)?.encryption !== undefined) {
      indexing.note(roomId, timeline?.events ?? []);
    }
  }
  for (const roomId of Object.keys(rooms?.leave ?? {})) {
    if (store.room(roomId)?.encryption !== undefined) indexing.drop(roomId);
  }
}

/** Resolves when what is known of the rooms has been drawn, or would be on a page that is looked at. */
async function drawn(): Promise<void> {
  // Its parts may still be under way.
  if (customElements.get("weft-app")) await customElements.whenDefined("weft-room-list");
  await new Promise<void>((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve, 0));
    // A page that is not looked at draws nothing.
    setTimeout(resolve, 1000);
  });
}
