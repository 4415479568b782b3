import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { createRoomsAdmin, type Deletion } from "../../api/admin/rooms.ts";
import { ApiError } from "../../api/errors.ts";
import type { Client } from "../../store/client.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { count, tags, type Tag } from "../parts/facts.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";

/** Milliseconds between two looks at a deletion that is under way. */
const EVERY = 2000;

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
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #deletions = new Loaded(this, async (signal): Promise<readonly Deletion[]> => {
    try {
      return (await createRoomsAdmin(this.client.api.http).deletions(this.roomId, signal)).results;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  });

  static override styles = [base, buttons, forms, adminStyles];

  override firstUpdated(): void {
    void this.#look();
  }

  override disconnectedCallback(): void {
    clearTimeout(this.#timer);
    super.disconnectedCallback();
  }

  /** Looks, and again while something is under way. */
  async #look(): Promise<void> {
    await this.#deletions.load();
    const isUnderWay = this.#deletions.value?.some(
      ({ status }) => status === "shutting_down" || status === "purging",
    );
    if (isUnderWay === true && this.isConnected)
      this.#timer = setTimeout(() => void this.#look(), EVERY);
  }

  #one(deletion: Deletion) {
    const { kicked_users: out, failed_to_kick_users: failed } = deletion.shutdown_room;
    return html`<section>
      <h3>${tags([statusOf(deletion)])}</h3>
      <p role="status">
        ${msg(str`Put out: ${count(out.length)}, could not be put out: ${count(failed.length)}`)}
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
