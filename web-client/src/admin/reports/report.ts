import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { createReportsAdmin, type WholeReport } from "../../api/admin/reports.ts";
import type { MatrixEvent } from "../../api/types.ts";
import type { Client } from "../../store/client.ts";
import { isMessage, type Names } from "../../store/describe.ts";
import { isRedacted } from "../../store/redactions.ts";
import { wholeEvent } from "../../store/said.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { plainName, plainText } from "../../text/names.ts";
import {
  actButtons,
  backTo,
  facts,
  hrefToAdminRoom,
  hrefToUser,
  moment,
  tags,
} from "../parts/facts.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";
import { decisionName, reportActs } from "./acts.ts";
import { kindOf, subjectOf } from "./reports.ts";

/** Letters of a message that are shown at most. */
const MAX_TEXT = 4000;

/** Administrators know people by their addresses: names can be anything. */
const addresses: Names = { displayName: (userId) => userId, member: (userId) => userId };

/** Whom a change of membership is about, where that is somebody else. */
const toWhom = ({ type, sender, state_key: target }: MatrixEvent): string =>
  type === "m.room.member" && target !== undefined && target !== sender ? `→ ${target}` : "";

const cut = (words: string): string =>
  words.length > MAX_TEXT ? `${words.slice(0, MAX_TEXT).toWellFormed()}…` : words;

/** What an event says: a message as its readers see it, of a change what was changed. */
function saidIn(event: MatrixEvent) {
  if (event.type === "m.room.encrypted" && !isRedacted(event))
    return msg("This message is encrypted: only those in the room can read it.");
  const isGone = isRedacted(event) || Object.keys(event.content).length === 0;
  if (isGone && isMessage(event)) return msg("This message was removed.");
  const words = wholeEvent(addresses, event);
  if (words !== undefined) return cut(words);
  const source = plainText(JSON.stringify(event.content, null, 2));
  return html`<details>
    <summary>${msg(str`Another event: ${plainName(event.type) ?? "–"}`)}</summary>
    <code>${cut(source)}</code>
  </details>`;
}

/** A report with what stands around what was reported, and what was and can be decided. */
@customElement("weft-admin-report")
export class WeftAdminReport extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ type: Number }) reportId = 0;
  readonly #report = new Loaded<WholeReport>(this, (signal) =>
    createReportsAdmin(this.client.api.http).get(this.reportId, signal),
  );

  static override styles = [
    base,
    buttons,
    forms,
    adminStyles,
    css`
      ol {
        margin: 0 0 var(--space-5);
        padding: 0;
        list-style: none;
      }
      li {
        padding: var(--space-2) var(--space-3);
        border-inline-start: 3px solid var(--line);
        overflow-wrap: anywhere;
      }
      .said {
        white-space: pre-wrap;
      }
      li p {
        margin: 0;
      }
      li.reported {
        border-color: var(--danger);
        background: var(--danger-soft);
      }
      .by {
        color: var(--muted);
        font-size: 0.87em;
      }
      li.reported .by {
        color: inherit;
      }
    `,
  ];

  override firstUpdated(): void {
    void this.#report.load();
  }

  #event(event: MatrixEvent, isReported = false) {
    return html`<li class=${isReported ? "reported" : ""}>
      <p class="by">
        ${event.sender} ${toWhom(event)} · ${moment(event.origin_server_ts)}
        ${isReported ? html` · ${msg("Reported")}` : nothing}
      </p>
      <div class="said" dir="auto">${saidIn(event)}</div>
    </li>`;
  }

  #context(report: WholeReport) {
    if (report.kind !== "event") return nothing;
    const { context, event } = report;
    const original = event as MatrixEvent | undefined;
    return html`<h3>${msg("What was said")}</h3>
      ${
        context === undefined
          ? html`<p class="hint">${msg("What stands around it is no longer known.")}</p>`
          : html`<ol aria-label=${msg("What was said")}>
              ${context.events_before.toReversed().map((one) => this.#event(one))}
              ${this.#event(context.event, true)}
              ${context.events_after.map((one) => this.#event(one))}
            </ol>`
      }
      ${
        original === undefined
          ? nothing
          : html`<details>
              <summary>${msg("As it was when it was reported")}</summary>
              <pre tabindex="0">${saidIn(original)}</pre>
            </details>`
      }`;
  }

  #decisions({ decisions }: WholeReport) {
    if (decisions.length === 0) return nothing;
    const names = {
      doing: msg("Under way"),
      done: msg("Done", { id: "Done (it succeeded)" }),
      failed: msg("Failed"),
    };
    return html`<h3>${msg("Decisions")}</h3>
      <ol aria-label=${msg("Decisions")}>
        ${decisions.map(
          ({ decision, by, decided_ts: ts, state, reason, error, user_id: userId }) =>
            html`<li>
              <p class="by">${by} · ${moment(ts)}</p>
              <p>
                ${decisionName(decision)} ${userId ?? ""}
                ${tags([[names[state], state === "failed" ? "bad" : "quiet"]])}
              </p>
              ${reason === undefined ? nothing : html`<p>${plainText(reason)}</p>`}
              ${error === undefined ? nothing : html`<p>${error}</p>`}
            </li>`,
        )}
      </ol>`;
  }

  override render() {
    return this.#report.show((report: WholeReport) => {
      const acts = reportActs(this.client, report, () => void this.#report.load());
      return html`<div class="bar">
          ${backTo("reports", msg("All reports"))}
          <h2>${subjectOf(report)}</h2>
          ${tags([
            [kindOf(report), "quiet"],
            report.state === "open"
              ? [msg("Open", { id: "Open (not decided)" }), "bad"]
              : [msg("Decided")],
          ])}
        </div>
        ${facts([
          [msg("Reason"), plainName(report.reason) ?? "–"],
          [msg("Reported by"), html`<a href=${hrefToUser(report.reporter)}>${report.reporter}</a>`],
          [msg("When"), moment(report.received_ts)],
          [
            msg("About"),
            report.about === undefined
              ? undefined
              : html`<a href=${hrefToUser(report.about)}>${report.about}</a>`,
          ],
          [
            msg("Room"),
            report.room_id === undefined
              ? undefined
              : html`<a href=${hrefToAdminRoom(report.room_id)}
                  >${plainName(report.room_name) ?? report.room_id}</a
                >`,
          ],
          [msg("Other open reports of the same"), report.other_reports.length || undefined],
        ])}
        ${this.#context(report)} ${this.#decisions(report)}
        <h3>${report.state === "open" ? msg("Decide") : msg("Decide anew")}</h3>
        ${actButtons(acts)}`;
    });
  }
}
