import type { MatrixEvent } from "../api/types.ts";
import type { Decryption } from "./port.ts";

/** No server can write under this key: JSON knows no symbols. Copies by spreading keep it, copies on disk don't. */
const DECRYPTION = Symbol("decryption");

type Annotated = MatrixEvent & { [DECRYPTION]?: Decryption };

/** What is known of an event that came encrypted; undefined for one that came open. */
export function decryptionOf(event: MatrixEvent): Decryption | undefined {
  const known = (event as Annotated)[DECRYPTION];
  if (known !== undefined) return known;
  return event.type === "m.room.encrypted" ? { state: "pending" } : undefined;
}

/** The same event with what was found out about it. */
export function withDecryption(event: MatrixEvent, decryption: Decryption): MatrixEvent {
  const annotated: Annotated = { ...event, [DECRYPTION]: decryption };
  return annotated;
}
