import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { createRoomsAdmin, type Deletion } from "../../api/admin/rooms.ts";
import { ApiError } from "../../api/errors.ts";
import type { Client } from "../../store/client.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { workStyles } from "../background/styles.ts";
import { Again } from "../parts/again.ts";
import { count, tags, type Tag } from "../parts/facts.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";

/** Milliseconds between two looks while a deletion is under way, and while none is. */
const SOON = 1500;
const LATER = 15_000;

const isUnderWay = ({ status }: Deletion): boolean =>
  status === "shutting_down" || status === "purging";

function statusOf({ status }: Deletion): Tag {
  const names: Record<Deletion["status"], Tag> = {
    shutting_down: [msg("People are being put out"), "quiet"],
    purging: [msg("Being deleted"), "quiet"],
    complete: [msg("Done", { id: "Done (it succeeded)" })],
    failed: [msg("Failed"), "bad"],
  };
  return names[status];
}

/** How far the deletions of a room are. */
@customElement("weft-admin-deletion")
export class WeftAdminDeletion extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property() roomId = "";
  readonly #deletions = new Loaded(this, async (signal): Promise<readonly Deletion[]> => {
    try {
      return (await createRoomsAdmin(this.client.api.http).deletions(this.roomId, signal)).results;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  });

  constructor() {
    super();
    new Again(
      this,
      () => this.#deletions.load(),
      () => (this.#deletions.value?.some(isUnderWay) === true ? SOON : LATER),
    );
  }

  static override styles = [base, buttons, forms, adminStyles, workStyles];

  #one(deletion: Deletion) {
    const { kicked_users: out, failed_to_kick_users: failed } = deletion.shutdown_room;
    return html`<section>
      <h3>${tags([statusOf(deletion)])}</h3>
      ${isUnderWay(deletion) ? html`<progress aria-label=${msg("Deletion")}></progress>` : nothing}
      <p role="status">
        ${msg(str`Put out: ${count(out.length)}, could not be put out: ${count(failed.length)}`)}
        ${deletion.deleted_rows === undefined ? nothing : html`<br />${msg(str`Entries deleted from the database: ${count(deletion.deleted_rows)}`)}`}
      </p>
      ${failed.length === 0 ? nothing : html`<p>${failed.slice(0, 50).join(", ")}</p>`}
      ${deletion.error === undefined ? nothing : html`<p class="problem">${deletion.error}</p>`}
    </section>`;
  }

  override render() {
    return this.#deletions.show((all: readonly Deletion[]) =>
      all.length === 0
        ? html`<p class="hint">${msg("Nothing is being deleted, or it was long ago.")}</p>`
        : all.map((one) => this.#one(one)),
    );
  }
}
