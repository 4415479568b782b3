import { msg, str } from "@lit/localize";
import type { QueryParams } from "@weft/spec/types";
import { html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { createServerAdmin, type AuditEntry } from "../../api/admin/server.ts";
import type { Client } from "../../store/client.ts";
import type { AdminRoute } from "../../store/router.ts";
import { base, buttons } from "../../styles/shared.ts";
import { plainName } from "../../text/names.ts";
import { hrefToUser, moment, tags, type Tag } from "../parts/facts.ts";
import "../parts/list.ts";
import type { Listing, Wish } from "../parts/listing.ts";
import { adminStyles } from "../parts/styles.ts";

type Outcome = NonNullable<QueryParams<"getAuditLog">["outcome"]>;

function outcomeOf({ outcome, errcode, status }: AuditEntry): Tag {
  if (outcome === "done") return [msg("Done", { id: "Done (it succeeded)" })];
  if (outcome === "unknown") return [msg("Not known"), "quiet"];
  return [msg(str`Refused: ${errcode ?? String(status ?? "")}`), "bad"];
}

/** What it was done to and how, a line for each name. */
function parametersOf({ parameters }: AuditEntry) {
  const all = Object.entries(parameters);
  if (all.length === 0) return "–";
  return all.map(([name, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return html`<div><span class="id">${name}:</span> ${plainName(text) ?? "–"}</div>`;
  });
}

/** What administrators did. */
@customElement("weft-admin-audit")
export class WeftAdminAudit extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;

  static override styles = [base, buttons, adminStyles];

  async #load({ filters, search, limit, from }: Wish, signal: AbortSignal) {
    const outcome = filters["outcome"] ?? "";
    const { entries, next_token: next } = await createServerAdmin(this.client.api.http).audit(
      {
        limit,
        ...(from === undefined ? {} : { from }),
        ...(outcome === "" ? {} : { outcome: outcome as Outcome }),
        ...(search === "" ? {} : { target: search }),
      },
      signal,
    );
    return { rows: entries, next };
  }

  #listing(): Listing<AuditEntry> {
    return {
      label: msg("Audit log"),
      searchLabel: msg("Done to (whole address of a user, room or file)"),
      empty: msg("Nothing is noted."),
      filters: [
        {
          name: "outcome",
          label: msg("Show"),
          options: [
            ["", msg("All")],
            ["done", msg("What succeeded")],
            ["refused", msg("What was refused")],
            ["unknown", msg("What nobody knows the end of")],
          ],
        },
      ],
      columns: [
        {
          label: msg("Operation"),
          cell: (entry) => html`<code>${entry.operation}</code><br />${tags([outcomeOf(entry)])}`,
        },
        {
          label: msg("By"),
          cell: ({ user_id: userId }) => html`<a href=${hrefToUser(userId)}>${userId}</a>`,
        },
        { label: msg("Done to"), cell: parametersOf },
        { label: msg("From"), cell: ({ ip }) => ip || nothing },
        { label: msg("When"), isNumber: true, cell: ({ ts }) => moment(ts) },
      ],
      keyOf: ({ id }) => String(id),
      nameOf: ({ operation }) => operation,
      load: (wish, signal) => this.#load(wish, signal),
    };
  }

  override render() {
    return html`<div class="bar"><h2>${msg("Audit log")}</h2></div>
      <p class="hint">
        ${msg("Everything that administrators change is noted, the newest first: who, what, to whom, and what came of it.")}
      </p>
      <weft-admin-list .listing=${this.#listing()} .place=${this.place}></weft-admin-list>`;
  }
}
