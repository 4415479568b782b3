/**
 * A script of its own that comes before the first one, and has the browser fetch beside that what the page will want next: where
 * somebody is signed in what opens the account, else the page for signing in, and behind that the rooms for whoever will be.
 */
import { loadSession } from "./api/session.ts";

/** The files of the build that each of these waits for, told by the bundler. */
declare const WEFT_PARTS: Record<"opened" | "rooms" | "sign-in" | "register", string[]>;

/** Milliseconds after which the rooms are fetched behind the page for signing in. */
const REST = 500;

function fetchAhead(files: readonly string[], priority: "high" | "auto" | "low"): Promise<unknown> {
  return Promise.all(
    [...new Set(files)].map((file) => {
      const link = document.createElement("link");
      link.rel = "modulepreload";
      // As scripts are fetched that are imported: another way they would be fetched twice.
      link.crossOrigin = "";
      link.fetchPriority = priority;
      link.href = file;
      const { promise, resolve } = Promise.withResolvers<unknown>();
      // Who wants a file that cannot be had is told so then.
      for (const end of ["load", "error"]) link.addEventListener(end, resolve);
      document.head.append(link);
      return promise;
    }),
  );
}

const parts = WEFT_PARTS;
const session = loadSession();
if (session !== undefined && session.softLoggedOut !== true) {
  // The server is asked for the rooms by what comes so. What shows them, which is more, follows while it answers.
  void fetchAhead(parts.opened, "high");
} else {
  const { hash, search } = location;
  const isNew = hash.startsWith("#/register") || search.includes("registration_token=");
  void fetchAhead(parts[isNew ? "register" : "sign-in"], "auto").then(() => {
    setTimeout(() => void fetchAhead([...parts.opened, ...parts.rooms], "low"), REST);
  });
}
