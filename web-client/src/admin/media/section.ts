import { msg, str } from "@lit/localize";
import type { ResponseBody } from "@weft/spec/types";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { createMediaAdmin } from "../../api/admin/media.ts";
import { serverOf } from "../../store/actions.ts";
import type { Act } from "../../store/acts.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { toast } from "../../store/toasts.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { explainAct } from "../../text/act-problems.ts";
import { plainName } from "../../text/names.ts";
import { fileSize } from "../../text/time.ts";
import "../background/under-way.ts";
import type { WeftAdminUnderWay, WorkFilter } from "../background/under-way.ts";
import { actButtons, count, facts, hrefToUser, moment, tags } from "../parts/facts.ts";
import { adminStyles } from "../parts/styles.ts";
import { fileActs } from "./acts.ts";

type Info = ResponseBody<"getMediaInfo">["media_info"];

const DAY = 86_400_000;
const DELETIONS: WorkFilter = { kinds: ["delete_media"] };

/** The server and the id in an mxc address. */
function readMxc(text: string): { serverName: string; mediaId: string } | undefined {
  const [, serverName, mediaId] = /^(?:mxc:\/\/)?([^/\s]+)\/([^/\s]+)$/.exec(text.trim()) ?? [];
  return serverName === undefined || mediaId === undefined ? undefined : { serverName, mediaId };
}

/** Files of the server: one that is looked up, and tidying away what nobody opens. */
@customElement("weft-admin-media")
export class WeftAdminMedia extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private found: Info | undefined;
  @state() private problem = "";
  @query("#address") private address!: HTMLInputElement;
  @query("weft-admin-under-way") private underWay!: WeftAdminUnderWay | null;

  static override styles = [base, buttons, forms, adminStyles];

  readonly #onSubmit = (event: Event): void => {
    event.preventDefault();
    void this.#look();
  };

  async #look(): Promise<void> {
    this.problem = "";
    const path = readMxc(this.address.value);
    if (path === undefined) {
      this.problem = msg("A file’s address looks like mxc://example.org/AbCdEf.");
      this.address.focus();
      return;
    }
    try {
      const { media_info: info } = await createMediaAdmin(this.client.api.http).info(path);
      this.found = info;
    } catch (error) {
      this.found = undefined;
      this.problem = explainAct(error);
    }
  }

  readonly #deleteOld = (): void =>
    this.#open({
      heading: msg("Delete old files"),
      text: msg(
        "Uploads of this server’s users that nobody has opened for so many days are deleted, in the background. Protected and quarantined ones stay.",
      ),
      undo: msg("This cannot be undone."),
      fields: [
        {
          name: "days",
          label: msg("Days"),
          type: "number",
          value: "365",
          isRequired: true,
          check: checkDays,
        },
        { name: "size", label: msg("Larger than (MB)"), type: "number", value: "0" },
        {
          name: "keep",
          label: msg("Keep pictures of users and rooms"),
          type: "tick",
          value: "yes",
        },
        { name: "sure", label: msg("Delete them for good"), type: "tick", isRequired: true },
      ],
      action: msg("Delete"),
      isDanger: true,
      run: async (values) => {
        const { delete_id: id } = await createMediaAdmin(this.client.api.http).deleteOld(
          Date.now() - Number(values["days"]) * DAY,
          Number(values["size"]) * 1_000_000,
          values["keep"] === "yes",
        );
        toast(msg("The files are being deleted."));
        void this.underWay?.look(id);
      },
    });

  readonly #purgeCopies = (): void =>
    this.#open({
      heading: msg("Delete copies of other servers’ files"),
      text: msg("Copies that nobody has opened for so many days are deleted here."),
      undo: msg("They are fetched again when somebody opens them, if their server still has them."),
      fields: [
        {
          name: "days",
          label: msg("Days"),
          type: "number",
          value: "30",
          isRequired: true,
          check: checkDays,
        },
      ],
      action: msg("Delete copies"),
      isDanger: true,
      run: async (values) => {
        const before = Date.now() - Number(values["days"]) * DAY;
        const { deleted } = await createMediaAdmin(this.client.api.http).purgeCopies(before);
        return { text: msg(str`Deleted: ${count(deleted)}`) };
      },
    });

  #open(act: Act): void {
    openDialog({ kind: "act", act });
  }

  #file(info: Info) {
    const own = serverOf(this.client.session.userId);
    const name = plainName(info.upload_name) ?? info.media_id;
    const acts = fileActs(
      this.client,
      {
        serverName: info.media_origin,
        mediaId: info.media_id,
        name,
        isLocal: info.media_origin === own,
        isQuarantined: info.quarantined_by !== null,
        isProtected: info.safe_from_quarantine,
      },
      () => void this.#look(),
    );
    return html`<section aria-label=${name}>
      <h3>
        ${name}
        ${tags([
          info.quarantined_by !== null && [msg("Quarantined"), "bad"],
          info.safe_from_quarantine && [msg("Protected")],
        ])}
      </h3>
      ${facts([
        [msg("Address"), html`<code>mxc://${info.media_origin}/${info.media_id}</code>`],
        [msg("Kind"), info.media_type],
        [msg("Size"), fileSize(info.media_length)],
        [
          msg("Uploaded by"),
          info.user_id === null
            ? undefined
            : html`<a href=${hrefToUser(info.user_id)}>${info.user_id}</a>`,
        ],
        [msg("Uploaded"), moment(info.created_timestamp)],
        [msg("Last opened"), moment(info.last_access_timestamp)],
        [msg("Quarantined by"), info.quarantined_by ?? undefined],
      ])}
      ${actButtons(acts)}
    </section>`;
  }

  override render() {
    return html`<div class="bar"><h2>${msg("Files")}</h2></div>
      <p class="hint">
        ${msg("The files of a user are on the user’s page. One file is found by its address.")}
      </p>
      <form class="field" role="search" @submit=${this.#onSubmit} novalidate>
        <label for="address">${msg("Address of a file")}</label>
        <input
          id="address"
          type="search"
          spellcheck="false"
          placeholder="mxc://example.org/AbCdEf"
          aria-describedby=${this.problem === "" ? nothing : "address-wrong"}
        />
        ${this.problem === "" ? nothing : html`<p class="problem" id="address-wrong" role="alert">${this.problem}</p>`}
      </form>
      ${this.found === undefined ? nothing : this.#file(this.found)}
      <h3>${msg("Tidying up")}</h3>
      <div class="acts">
        <button type="button" class="button" @click=${this.#deleteOld}>
          ${msg("Delete old files")}
        </button>
        <button type="button" class="button" @click=${this.#purgeCopies}>
          ${msg("Delete copies of other servers’ files")}
        </button>
      </div>
      <weft-admin-under-way .client=${this.client} .filter=${DELETIONS}></weft-admin-under-way>`;
  }
}

const checkDays = (value: string): string | undefined =>
  Number(value) > 20_000 ? msg("This number is too large.") : undefined;
