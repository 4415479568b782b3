import { msg, str } from "@lit/localize";
import type { ResponseBody } from "@weft/spec/types";
import { html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { createUsersAdmin } from "../../api/admin/users.ts";
import type { Client } from "../../store/client.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { fileSize } from "../../text/time.ts";
import { count, facts } from "../parts/facts.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";

type Storage = ResponseBody<"getUserStorage">;

/** What takes how much; a limit of 0 is none. */
const size = ({ bytes, limit }: { bytes: number; limit: number }): string =>
  limit === 0 ? fileSize(bytes) : msg(str`${fileSize(bytes)} of ${fileSize(limit)}`);

/** What a user stores on the server. */
@customElement("weft-admin-user-storage")
export class WeftAdminUserStorage extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property() userId = "";
  readonly #storage = new Loaded(this, (signal) =>
    createUsersAdmin(this.client.api.http).storage(this.userId, signal),
  );

  static override styles = [base, buttons, forms, adminStyles];

  override firstUpdated(): void {
    void this.#storage.load();
  }

  override render() {
    return html`<h3>${msg("Storage")}</h3>
      ${this.#storage.show((storage: Storage) =>
        facts([
          [msg(str`Files (${count(storage.uploads.count)})`), size(storage.uploads)],
          [msg("Account data"), size(storage.account_data)],
          [msg("Key backups"), size(storage.key_backups)],
          [msg("Waiting for devices"), fileSize(storage.waiting_messages.bytes)],
        ]),
      )}`;
  }
}
