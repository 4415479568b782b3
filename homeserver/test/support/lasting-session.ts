import type { SessionWatch } from "../../src/users/sessions/session-watch.ts";

/** The watch of a session that never ends. */
export const lastingSession = (): SessionWatch => ({
  check: () => undefined,
  onDoubt: () => () => undefined,
  end() {},
});
