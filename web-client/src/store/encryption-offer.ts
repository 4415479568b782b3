import { nameFor } from "../api/session.ts";
import type { Client } from "./client.ts";
import { $dialog, openDialog } from "./dialogs.ts";
import { readSetting, writeSetting } from "./settings.ts";

export const OFFERED = "weft.encryption-offered";

/**
 * Offers what encryption needs of the person, once on each device: setting it up, or verifying the device. Whoever puts it
 * off finds it below the list of rooms. Waits while another window is open. Answers the function that ends it.
 */
export function offerEncryption(client: Client): () => void {
  const { $status } = client.encryption;

  function look(): void {
    const { engine, next } = $status.get();
    if (engine !== "ready" || (next !== "set-up" && next !== "verify")) return;
    const key = nameFor(OFFERED, client.session.userId);
    const offer = `${client.session.userId} ${client.session.deviceId} ${next}`;
    if (readSetting(key) === offer || $dialog.get() !== undefined) return;
    writeSetting(key, offer);
    openDialog({ kind: next === "set-up" ? "encryption-setup" : "verify-device" });
  }

  const ends = [$status.subscribe(look), $dialog.listen(look)];
  return () => {
    for (const end of ends) end();
  };
}
