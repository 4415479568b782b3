import { chooseSession, keptSession } from "./api/session.ts";
import { startAccount } from "./store/account.ts";
import { startLanguage } from "./store/language.ts";
import { followAddress, navigate } from "./store/router.ts";
import { applyTheme } from "./store/theme.ts";
import "./pages/app.ts";

/** Milliseconds within which the page does not begin anew twice. */
const ONCE_IN = 60_000;

/** Milliseconds after the start until the page’s files are kept: the rooms come first. */
const KEEP_AFTER = 4000;
const offline = () => import("./store/offline.ts");

/** After an update of the server the parts of the old page are gone: begin anew. While it is away, stay. */
async function beginAnew(): Promise<void> {
  const last = Number(sessionStorage.getItem("weft.reloaded") ?? 0);
  if (Date.now() - last < ONCE_IN) return;
  const page = await fetch(location.pathname, { cache: "no-store" }).catch(() => undefined);
  if (page?.ok !== true) return;
  sessionStorage.setItem("weft.reloaded", String(Date.now()));
  // It may be among the parts that are gone.
  await offline().then(
    ({ fetchUpdate }) => fetchUpdate(),
    () => undefined,
  );
  location.reload();
}

window.addEventListener("vite:preloadError", () => void beginAnew());

// A note leads to a place of the account that it is about.
const account = new URLSearchParams(location.search).get("account");
if (account !== null) {
  const url = new URL(location.href);
  url.searchParams.delete("account");
  history.replaceState(null, "", url);
  if (keptSession(account) !== undefined) chooseSession(account);
}

// An invitation link leads to the place where its token is used.
const invited = new URLSearchParams(location.search).has("registration_token");
if (invited && location.hash === "") navigate({ page: "register" }, true);

applyTheme();
followAddress();
// Before the first word.
await startLanguage();
startAccount();
document.body.append(document.createElement("weft-app"));
// Pages without TLS have none.
const worker = "serviceWorker" in navigator ? navigator.serviceWorker.controller : null;
setTimeout(() => {
  offline().then(
    ({ startOffline }) => startOffline(worker),
    () => undefined,
  );
}, KEEP_AFTER);
