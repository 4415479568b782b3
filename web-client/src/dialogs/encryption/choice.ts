import { msg } from "@lit/localize";
import { html, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { canEncrypt } from "../../store/actions.ts";
import type { Client } from "../../store/client.ts";

type Kind = "private" | "public" | "direct";

function explanation(kind: Kind, possible: boolean): string {
  if (!possible)
    return msg("Encryption is not ready in this browser, so the room begins without it.");
  if (kind === "public")
    return msg(
      "Everyone can join and read, so encryption protects little here. It cannot be turned off later.",
    );
  return msg(
    "Only the people in it can read what is written, not even the servers. It cannot be turned off later.",
  );
}

/** Whether a new room is encrypted: yes by default, but where everyone may come in. The field is called `encrypted`. */
export function encryptionChoice(client: Client, kind: Kind): TemplateResult {
  const possible = canEncrypt(client);
  // What is checked by default is another thing for another kind of room.
  return html`${keyed(
    `${kind} ${possible}`,
    html`<div class="field">
      <label class="choice">
        <input
          type="checkbox"
          name="encrypted"
          aria-describedby="encrypted-hint"
          ?checked=${possible && kind !== "public"}
          ?disabled=${!possible}
        />
        ${msg("Encrypt the messages")}
      </label>
      <p class="hint" id="encrypted-hint">${explanation(kind, possible)}</p>
    </div>`,
  )}`;
}
