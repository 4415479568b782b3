/// <reference lib="webworker" />
/**
 * The service worker: keeps the page and its parts, so that it opens without a server and an update of the server takes no part
 * from a page that is open; and shows what the server pushes. What it keeps holds nothing of anybody's: only files of the build.
 */
import { noteOf, type Pushed } from "./notes.ts";

declare const self: ServiceWorkerGlobalScope;

/** The build, told by the bundler: its files, those that the page begins with, and a hash of all. */
declare const WEFT_BUILD: { files: string[]; entries: string[]; hash: string };

const BUILD = WEFT_BUILD;
const FILES: ReadonlySet<string> = new Set(BUILD.files);
const PREFIX = "weft-files ";
const CACHE = `${PREFIX}${BUILD.hash}`;
/** How many builds before this one are kept, for pages that are still open. */
const KEPT = 2;
const PAGE = "./";

/** Fetches what this build has and none before it had. Fails as a whole: then the worker before this one stays. */
async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  const answer = await fetch(new Request(PAGE, { cache: "no-cache" }));
  const text = await answer.clone().text();
  // Replicas of a server may be of two builds while it is updated.
  if (!answer.ok || !BUILD.entries.every((name) => text.includes(name))) {
    throw new Error("the page is of another build");
  }
  await cache.put(PAGE, answer);
  await Promise.all(
    BUILD.files.map(async (name) => {
      const isAsset = name.startsWith("assets/");
      const known = isAsset ? await caches.match(name) : undefined;
      if (known !== undefined) await cache.put(name, known);
      else await cache.add(new Request(name, { cache: isAsset ? "default" : "no-cache" }));
    }),
  );
  await self.skipWaiting();
}

async function activate(): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(names.slice(0, -KEPT).map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** The page of this build, at once. */
async function page(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  return (await cache.match(PAGE)) ?? fetch(request);
}

/** A part of some build. What is not part of the first load is kept when it has been wanted once. */
async function part(request: Request): Promise<Response> {
  const known = await caches.match(request, { ignoreVary: true });
  if (known !== undefined) return known;
  const answer = await fetch(request);
  if (answer.status === 200) {
    const cache = await caches.open(CACHE);
    await cache.put(request, answer.clone()).catch(() => undefined);
  }
  return answer;
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const scope = new URL(self.registration.scope);
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== scope.origin) return;
  if (!url.pathname.startsWith(scope.pathname)) return;
  const path = url.pathname.slice(scope.pathname.length);
  if (request.mode === "navigate") {
    if (path === "" || path === "index.html") event.respondWith(page(request));
  } else if (path.startsWith("assets/") || FILES.has(path)) {
    event.respondWith(part(request));
  }
});

/** Windows of the page, the one in use first. */
async function windows(): Promise<readonly WindowClient[]> {
  return self.clients.matchAll({ type: "window", includeUncontrolled: true });
}

/** Whether this browser keeps the rooms of more than one account: each has a database of its own. */
async function hasSeveralAccounts(): Promise<boolean> {
  const all = (await indexedDB.databases?.()) ?? [];
  const owners = all.map(({ name = "" }) => /^weft (@\S+) /.exec(name)?.[1]);
  return new Set(owners.filter((one) => one !== undefined)).size > 1;
}

/** Closes the notes of an account. */
async function closeNotes(account: unknown): Promise<void> {
  for (const old of await self.registration.getNotifications()) {
    if ((old.data as { account?: unknown } | null)?.account === account) old.close();
  }
}

async function push(data: Pushed): Promise<void> {
  const open = await windows();
  if (typeof data.ack_token === "string") {
    // The pages have what it takes to answer.
    for (const window of open) window.postMessage({ kind: "push-token", token: data.ack_token });
    return;
  }
  if (data.room_id === undefined) {
    const unread = data.unread ?? 0;
    if (unread === 0) await closeNotes(data.account);
    return;
  }
  // A page that is looked at shows it by itself.
  if (open.some(({ visibilityState }) => visibilityState === "visible")) return;
  const note = noteOf(data, await hasSeveralAccounts());
  if (note !== undefined) await self.registration.showNotification(note.title, note.options);
}

self.addEventListener("push", (event) => {
  let data: unknown;
  try {
    data = event.data?.json();
  } catch {
    return;
  }
  if (typeof data === "object" && data !== null) event.waitUntil(push(data));
});

async function openRoom(roomId: string, account: string | undefined): Promise<void> {
  const hash = `#/room/${encodeURIComponent(roomId)}`;
  const query = account === undefined ? "" : `?${new URLSearchParams({ account }).toString()}`;
  const [first] = await windows();
  if (first === undefined) return void (await self.clients.openWindow(`./${query}${hash}`));
  await first.focus();
  first.postMessage({ kind: "open-room", roomId, account });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { roomId, account } = event.notification.data as { roomId?: string; account?: string };
  if (roomId !== undefined) event.waitUntil(openRoom(roomId, account));
});
