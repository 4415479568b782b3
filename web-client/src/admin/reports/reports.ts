import { msg } from "@lit/localize";
import type { QueryParams } from "@weft/spec/types";
import { html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { createReportsAdmin, type Report } from "../../api/admin/reports.ts";
import type { Client } from "../../store/client.ts";
import { type AdminRoute, hrefTo } from "../../store/router.ts";
import { base, buttons } from "../../styles/shared.ts";
import { plainName } from "../../text/names.ts";
import { hrefToUser, moment, tags } from "../parts/facts.ts";
import "../parts/list.ts";
import { byPlace, type Listing, type Wish } from "../parts/listing.ts";
import { adminStyles } from "../parts/styles.ts";

type Query = QueryParams<"listReports">;

/** What a report is about, in a word. */
export function kindOf({ kind }: Pick<Report, "kind">): string {
  const names: Record<Report["kind"], string> = {
    event: msg("Message"),
    room: msg("Room"),
    user: msg("User"),
  };
  return names[kind];
}

/** Whom or what a report is about. */
export const subjectOf = (report: Report): string =>
  report.about ??
  plainName(report.room_name) ??
  plainName(report.canonical_alias) ??
  report.room_id ??
  String(report.id);

/** The queue of what users have reported. */
@customElement("weft-admin-reports")
export class WeftAdminReports extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;

  static override styles = [base, buttons, adminStyles];

  async #load({ filters, search, from, limit, dir }: Wish, signal: AbortSignal) {
    const { state = "", kind = "" } = filters;
    const { reports, total } = await createReportsAdmin(this.client.api.http).list(
      {
        from: Number(from ?? 0),
        limit,
        dir,
        ...(state === "all" ? {} : { state: state as NonNullable<Query["state"]> }),
        ...(kind === "" ? {} : { kind: kind as NonNullable<Query["kind"]> }),
        ...(search === "" ? {} : { about: search }),
      },
      signal,
    );
    return byPlace({ from } as Wish, reports, total);
  }

  #listing(): Listing<Report> {
    return {
      label: msg("Reports"),
      searchLabel: msg("About (whole address of a user)"),
      empty: msg("No report is there. All is well."),
      dir: "b",
      order: "received",
      filters: [
        {
          name: "state",
          label: msg("Show"),
          options: [
            ["open", msg("Open", { id: "Open (not decided)" })],
            ["decided", msg("Decided")],
            ["all", msg("All")],
          ],
        },
        {
          name: "kind",
          label: msg("Kind"),
          options: [
            ["", msg("All")],
            ["event", msg("Messages")],
            ["room", msg("Rooms")],
            ["user", msg("Users")],
          ],
        },
      ],
      columns: [
        {
          label: msg("About"),
          cell: (report) =>
            html`<a
                class="name"
                href=${hrefTo({ page: "admin", path: ["reports", String(report.id)] })}
                >${subjectOf(report)}</a
              ><br />${tags([
                [kindOf(report), "quiet"],
                report.state === "decided" && [msg("Decided")],
              ])}`,
        },
        { label: msg("Reason"), cell: ({ reason }) => plainName(reason) ?? "–" },
        {
          label: msg("Reported by"),
          cell: ({ reporter }) => html`<a href=${hrefToUser(reporter)}>${reporter}</a>`,
        },
        {
          label: msg("When"),
          order: "received",
          isNumber: true,
          cell: (report) => moment(report.received_ts),
        },
      ],
      keyOf: ({ id }) => String(id),
      nameOf: subjectOf,
      load: (wish, signal) => this.#load(wish, signal),
    };
  }

  override render() {
    return html`<div class="bar"><h2>${msg("Reports")}</h2></div>
      <weft-admin-list .listing=${this.#listing()} .place=${this.place}></weft-admin-list>`;
  }
}
