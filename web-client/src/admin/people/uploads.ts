import { msg, str } from "@lit/localize";
import type { QueryParams, ResponseBody } from "@weft/spec/types";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { createUsersAdmin } from "../../api/admin/users.ts";
import { serverOf } from "../../store/actions.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { toast } from "../../store/toasts.ts";
import { base, buttons } from "../../styles/shared.ts";
import { plainName } from "../../text/names.ts";
import { fileSize } from "../../text/time.ts";
import { fileActs } from "../media/acts.ts";
import { count, moment, tags } from "../parts/facts.ts";
import "../parts/list.ts";
import type { WeftAdminList } from "../parts/list.ts";
import { byPlace, type Listing, type Wish } from "../parts/listing.ts";
import { adminStyles } from "../parts/styles.ts";

type Upload = ResponseBody<"getUserMedia">["media"][number];
type Order = NonNullable<QueryParams<"getUserMedia">["order_by"]>;

/** How many files one request deletes. */
const AT_ONCE = 1000;

/** What a user has uploaded. */
@customElement("weft-admin-uploads")
export class WeftAdminUploads extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property() userId = "";
  @state() private total = 0;
  @query("weft-admin-list") private list!: WeftAdminList;

  static override styles = [base, buttons, adminStyles];

  get #users() {
    return createUsersAdmin(this.client.api.http);
  }

  async #load(wish: Wish, signal: AbortSignal) {
    const { media, total } = await this.#users.media(
      {
        from: Number(wish.from ?? 0),
        limit: wish.limit,
        dir: wish.dir,
        order_by: (wish.order ?? "created_ts") as Order,
      },
      this.userId,
      signal,
    );
    this.total = total;
    return byPlace(wish, media, total);
  }

  #quarantineAll(): void {
    openDialog({
      kind: "act",
      act: {
        heading: msg("Quarantine all files"),
        text: msg(
          str`Nobody can open the ${count(this.total)} files that ${this.userId} has uploaded. Protected ones stay as they are.`,
        ),
        undo: msg("Each file can be given back on its own."),
        action: msg("Quarantine"),
        isDanger: true,
        run: async () => {
          const { num_quarantined: done } = await this.#users.quarantineMedia(this.userId);
          toast(msg(str`Quarantined: ${count(done)}`));
          void this.list.reload();
        },
      },
    });
  }

  #deleteAll(): void {
    openDialog({
      kind: "act",
      act: {
        heading: msg("Delete all files"),
        text: msg(
          str`The ${count(this.total)} files that ${this.userId} has uploaded are deleted here, pictures of profiles and rooms included.`,
        ),
        undo: msg("This cannot be undone."),
        typed: this.userId,
        action: msg("Delete all files"),
        isDanger: true,
        run: async () => {
          let deleted = 0;
          for (;;) {
            // oxlint-disable-next-line no-await-in-loop -- one thousand after the other
            const { deleted_media: part } = await this.#users.deleteMedia(this.userId, AT_ONCE);
            deleted += part.length;
            if (part.length === 0) break;
          }
          toast(msg(str`Deleted: ${count(deleted)}`));
          void this.list.reload();
        },
      },
    });
  }

  #listing(): Listing<Upload> {
    const serverName = serverOf(this.userId);
    return {
      label: msg("Files"),
      empty: msg("They have uploaded nothing."),
      order: "created_ts",
      dir: "b",
      columns: [
        {
          label: msg("File"),
          order: "upload_name",
          cell: (file) =>
            html`<span class="name">${plainName(file.upload_name) ?? file.media_id}</span><br />
              <span class="id">${file.media_type}</span> ${tags([
                file.quarantined_by !== null && [msg("Quarantined"), "bad"],
                file.safe_from_quarantine && [msg("Protected")],
              ])}`,
        },
        {
          label: msg("Size"),
          order: "media_length",
          isNumber: true,
          cell: (file) => fileSize(file.media_length),
        },
        {
          label: msg("Uploaded"),
          order: "created_ts",
          isNumber: true,
          cell: (file) => moment(file.created_ts),
        },
        {
          label: msg("Last opened"),
          order: "last_access_ts",
          isNumber: true,
          cell: (file) => moment(file.last_access_ts),
        },
      ],
      keyOf: (file) => file.media_id,
      nameOf: (file) => plainName(file.upload_name) ?? file.media_id,
      menu: (file) =>
        fileActs(
          this.client,
          {
            serverName,
            mediaId: file.media_id,
            isLocal: true,
            isQuarantined: file.quarantined_by !== null,
            isProtected: file.safe_from_quarantine,
            name: plainName(file.upload_name) ?? file.media_id,
          },
          () => void this.list.reload(),
        ),
      load: (wish, signal) => this.#load(wish, signal),
    };
  }

  override render() {
    return html`${
        this.total === 0
          ? nothing
          : html`<div class="acts">
              <button type="button" class="button small" @click=${() => this.#quarantineAll()}>
                ${msg("Quarantine all files")}
              </button>
              <button type="button" class="button small danger" @click=${() => this.#deleteAll()}>
                ${msg("Delete all files")}
              </button>
            </div>`
      } <weft-admin-list .listing=${this.#listing()}></weft-admin-list>`;
  }
}
