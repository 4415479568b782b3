import { msg, str } from "@lit/localize";
import type { QueryParams } from "@weft/spec/types";
import { html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { createServerAdmin, type AuditEntry } from "../../api/admin/server.ts";
import type { Client } from "../../store/client.ts";
import type { AdminRoute } from "../../store/router.ts";
import { base, buttons } from "../../styles/shared.ts";
import { plainName } from "../../text/names.ts";
import { count, hrefToAdminRoom, hrefToUser, moment, tags, type Tag } from "../parts/facts.ts";
import "../parts/list.ts";
import type { Listing, Wish } from "../parts/listing.ts";
import { adminStyles } from "../parts/styles.ts";
import { decisionName, isDecision } from "../reports/acts.ts";
import { deedWords, isMoment, parameterWords } from "./deeds.ts";

type Outcome = NonNullable<QueryParams<"getAuditLog">["outcome"]>;

function outcomeOf({ outcome, errcode, status }: AuditEntry): Tag {
  if (outcome === "done") return [msg("Done", { id: "Done (it succeeded)" })];
  if (outcome === "unknown") return [msg("Not known"), "quiet"];
  return [msg(str`Refused: ${errcode ?? String(status ?? "")}`), "bad"];
}

function valueOf(name: string, value: unknown) {
  if (typeof value === "boolean") return value ? msg("Yes") : msg("No");
  if (typeof value === "number") return isMoment(name) ? moment(value) : count(value);
  if (value === null) return "–";
  if (name === "decision" && isDecision(value)) return decisionName(value);
  const isTexts = Array.isArray(value) && value.every((one) => typeof one === "string");
  const said = typeof value === "string" ? value : isTexts ? value.join(", ") : undefined;
  const text = plainName(said ?? JSON.stringify(value)) ?? "–";
  if (said !== undefined && /^user_?id$/i.test(name))
    return html`<a href=${hrefToUser(said)}>${text}</a>`;
  if (said?.startsWith("!") === true && name.startsWith("roomId"))
    return html`<a href=${hrefToAdminRoom(said)}>${text}</a>`;
  return text;
}

const isSubject = (name: string): boolean => /^(?:user|room|event)_?id/i.test(name);

/** What it was done to and how, a line for each name. */
function parametersOf({ parameters }: AuditEntry) {
  // To whom or what it was done comes first.
  const all = Object.entries(parameters).toSorted(
    ([a], [b]) => Number(isSubject(b)) - Number(isSubject(a)),
  );
  if (all.length === 0) return "–";
  return all.map(
    ([name, value]) =>
      html`<div>
        <span class="id" title=${name}>${parameterWords(name)}:</span> ${valueOf(name, value)}
      </div>`,
  );
}

const wordsOf = ({ operation, parameters }: AuditEntry): string =>
  deedWords(operation, parameters) ?? operation;

/** What was done, in words; opened, with the operation's own name and path. */
function deedOf(entry: AuditEntry) {
  return html`<details>
      <summary title=${entry.operation}>${wordsOf(entry)}</summary>
      <p class="id">
        <code>${entry.operation}</code><br /><code>${entry.method} ${entry.path}</code>
      </p>
    </details>
    ${tags([outcomeOf(entry)])}`;
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
          cell: deedOf,
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
      nameOf: wordsOf,
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
