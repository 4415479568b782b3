import { msg } from "@lit/localize";
import { loadSession } from "../api/session.ts";
import { switchTo } from "./account.ts";
import { navigate, type Route } from "./router.ts";
import { report, toast } from "./toasts.ts";

/** Milliseconds between looks for another build. */
const EVERY = 3_600_000;
/** Milliseconds that another build may take to arrive. */
const PATIENCE = 15_000;

type FromWorker =
  | { kind: "push-token"; token: string }
  | { kind: "open-room"; roomId: string; account?: string };

/** The worker that keeps the page's files; undefined where browsers have none, or it is not there yet. */
async function registration(): Promise<ServiceWorkerRegistration | undefined> {
  if (!("serviceWorker" in navigator)) return undefined;
  return navigator.serviceWorker.getRegistration().catch(() => undefined);
}

/** Looks whether the server has another build, and fetches it behind the page. */
async function lookForUpdate(): Promise<void> {
  await (await registration())?.update().catch(() => undefined);
}

/** Waits until the newest build is at hand, so that a reload begins with it. */
export async function fetchUpdate(): Promise<void> {
  const worker = await registration();
  if (worker === undefined) return;
  await worker.update().catch(() => undefined);
  const { installing } = worker;
  if (installing === null) return;
  const signal = AbortSignal.timeout(PATIENCE);
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (["activated", "redundant"].includes(installing.state)) resolve();
    };
    installing.addEventListener("statechange", look, { signal });
    signal.addEventListener("abort", () => resolve());
    look();
  });
}

function offerReload(): void {
  toast(msg("Weft has been updated."), "info", {
    label: msg("Reload"),
    run: () => location.reload(),
  });
}

function onMessage({ data }: MessageEvent<FromWorker>): void {
  if (data.kind !== "open-room") return;
  const { roomId, account } = data;
  const place: Route = { page: "room", room: roomId, via: [] };
  if (account === undefined || account === loadSession()?.userId) navigate(place);
  else void switchTo(account, place).catch(report);
}

/**
 * Keeps the page's files on this machine from now on, and says when there are newer ones. `before`: the worker that the page
 * came from; it may have been followed by another meanwhile.
 */
export function startOffline(before: ServiceWorker | null): void {
  if (!("serviceWorker" in navigator) || import.meta.env.MODE !== "production") return;
  const { serviceWorker } = navigator;
  serviceWorker.addEventListener("message", onMessage);
  // The first worker is no update.
  let isFirst = serviceWorker.controller === null;
  if (before !== null && serviceWorker.controller !== before) offerReload();
  serviceWorker.addEventListener("controllerchange", () => {
    if (!isFirst) offerReload();
    isFirst = false;
  });
  // A browser that keeps nothing refuses; the page works without.
  serviceWorker.register("./sw.js").catch(() => undefined);
  setInterval(() => void lookForUpdate(), EVERY);
}
