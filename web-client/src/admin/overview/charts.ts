import { msg } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { createServerAdmin, type HealthHistory, type HealthSpan } from "../../api/admin/server.ts";
import type { Client } from "../../store/client.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { locale } from "../../text/locale.ts";
import { clockTime, fileSize, fullTime, shortTime } from "../../text/time.ts";
import { Again } from "../parts/again.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";
import "./chart.ts";
import type { Line, PointedAt } from "./chart.ts";
import { growth, perMinute, seriesOf, stretch, type Stretch } from "./series.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const LENGTHS: Record<HealthSpan, number> = { hour: 60 * MINUTE, day: DAY, week: 7 * DAY };

interface Chart {
  readonly heading: string;
  readonly lines: readonly Line[];
  readonly least: number;
  say(value: number): string;
}

const number = (value: number): string =>
  new Intl.NumberFormat(
    locale(),
    value < 10 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 0 },
  ).format(value);

const milliseconds = (value: number): string =>
  new Intl.NumberFormat(locale(), {
    style: "unit",
    unit: "millisecond",
    ...(value < 10 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 0 }),
  }).format(value);

function chartsOf(stretched: Stretch): Chart[] {
  const of = (...names: Parameters<typeof seriesOf>[1][]) =>
    names.map((name) => seriesOf(stretched, name));
  const [slow, median, delay, cpu, memory] = of(
    (point) => point.p95_ms,
    (point) => point.p50_ms,
    (point) => point.delay_ms,
    (point) => point.cpu,
    (point) => point.memory_bytes,
  );
  const requests = perMinute(stretched, (point) => point.requests);
  const failed = perMinute(stretched, (point) => point.failed);
  return [
    {
      heading: msg("Requests a minute"),
      lines: [
        { label: msg("All"), values: requests, kind: "main" },
        { label: msg("Failed"), values: failed, kind: "bad" },
      ],
      least: 10,
      say: number,
    },
    {
      heading: msg("Time of an answer"),
      lines: [
        { label: msg("Slowest 5 % above"), values: slow!, kind: "main" },
        { label: msg("Median"), values: median!, kind: "second" },
      ],
      least: 10,
      say: milliseconds,
    },
    {
      heading: msg("Events and changes a minute"),
      lines: [{ label: msg("All"), values: growth(stretched), kind: "main" }],
      least: 10,
      say: number,
    },
    {
      heading: msg("Processor cores in use"),
      lines: [{ label: msg("All"), values: cpu!, kind: "main" }],
      least: 1,
      say: number,
    },
    {
      heading: msg("Memory"),
      lines: [{ label: msg("All"), values: memory!, kind: "main" }],
      least: 100e6,
      say: fileSize,
    },
    {
      heading: msg("Delay of the event loop"),
      lines: [{ label: msg("All"), values: delay!, kind: "main" }],
      least: 10,
      say: milliseconds,
    },
  ];
}

/** How the server did, as small charts; and the same as a table. */
@customElement("weft-admin-charts")
export class WeftAdminCharts extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private span: HealthSpan = "hour";
  @state() private at: number | undefined;
  @state() private isTableOpen = false;
  readonly #history = new Loaded<HealthHistory>(this, (signal) =>
    createServerAdmin(this.client.api.http).history(this.span, signal),
  );
  readonly #again = new Again(
    this,
    () => this.#history.load(),
    () => MINUTE,
  );

  static override styles = [
    base,
    buttons,
    forms,
    adminStyles,
    css`
      .bar h3 {
        flex: 1 1 12ch;
        margin: 0;
      }
      .spans {
        display: inline-flex;
        gap: 2px;
        padding: 2px;
        border-radius: var(--radius);
        background: var(--sunken);
      }
      .spans button {
        min-height: 30px;
        padding: 0 var(--space-3);
        border: 0;
        border-radius: 6px;
        background: none;
        color: var(--muted);
        font-size: 0.92em;
      }
      .spans button[aria-pressed="true"] {
        background: var(--raised);
        color: var(--text);
        font-weight: 600;
        box-shadow: 0 1px 2px rgb(0 0 0 / 12%);
      }
      .charts {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(260px, 100%), 1fr));
        gap: var(--space-3);
      }
      .charts.old {
        opacity: 0.55;
      }
      .times {
        display: flex;
        justify-content: space-between;
        margin: var(--space-2) 0 var(--space-3);
        color: var(--muted);
        font-size: 0.87em;
        font-variant-numeric: tabular-nums;
      }
      summary {
        width: max-content;
        color: var(--muted);
        font-size: 0.92em;
        cursor: pointer;
      }
      .table {
        max-height: 340px;
        margin-top: var(--space-2);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        overflow: auto;
        scrollbar-width: thin;
      }
      table {
        border-collapse: collapse;
        font-size: 0.87em;
        font-variant-numeric: tabular-nums;
      }
      :is(th, td) {
        padding: 3px var(--space-3);
        text-align: end;
        white-space: nowrap;
      }
      thead th {
        position: sticky;
        top: 0;
        background: var(--sunken);
        color: var(--muted);
        font-weight: 550;
      }
      tbody th {
        color: var(--muted);
        font-weight: 400;
      }
    `,
  ];

  #choose(span: HealthSpan): void {
    if (span === this.span) return;
    this.span = span;
    this.at = undefined;
    void this.#again.now();
  }

  #spans() {
    const all: [HealthSpan, string][] = [
      ["hour", msg("Hour")],
      ["day", msg("Day")],
      ["week", msg("Week")],
    ];
    return html`<div class="spans" role="group" aria-label=${msg("How far back")}>
      ${all.map(
        ([span, label]) =>
          html`<button
            type="button"
            aria-pressed=${span === this.span}
            @click=${() => this.#choose(span)}
          >
            ${label}
          </button>`,
      )}
    </div>`;
  }

  /** The newest first. */
  #table(charts: readonly Chart[], { times }: Stretch) {
    const lines = charts.flatMap(({ heading, lines: all, say }) =>
      all.map((line) => ({
        ...line,
        say,
        label: all.length > 1 ? `${heading}: ${line.label}` : heading,
      })),
    );
    const places = times.map((_, at) => at).toReversed();
    return html`<div class="table" tabindex="0" role="region" aria-label=${msg("As a table")}>
      <table>
        <thead>
          <tr>
            <th scope="col">${msg("Until")}</th>
            ${lines.map(({ label }) => html`<th scope="col">${label}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${places.map(
            (at) =>
              html`<tr>
                <th scope="row">${shortTime(times[at]!)} ${clockTime(times[at]!)}</th>
                ${lines.map(({ values, say }) => {
                  const value = values[at];
                  return html`<td>${value === null || value === undefined ? "–" : say(value)}</td>`;
                })}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  #charts(history: HealthHistory) {
    // What was asked for with another button may still be there.
    const length = (LENGTHS[this.span] / history.step_ms) * history.step_ms;
    const stretched = stretch(history, length, Date.now());
    const charts = chartsOf(stretched);
    const { times } = stretched;
    const says = (ts: number): string => (this.span === "hour" ? clockTime(ts) : fullTime(ts));
    return html`<div class="charts ${this.#history.busy ? "old" : ""}">
        ${charts.map(
          ({ heading, lines, least, say }) =>
            html`<weft-admin-chart
              heading=${heading}
              .lines=${lines}
              .say=${say}
              .least=${least}
              .at=${this.at}
              @pointed=${(event: PointedAt) => (this.at = event.detail)}
            ></weft-admin-chart>`,
        )}
      </div>
      <p class="times" aria-hidden="true">
        <span>${says(times[0]!)}</span>
        ${this.at === undefined ? nothing : html`<strong>${says(times[this.at]!)}</strong>`}
        <span>${msg("now")}</span>
      </p>
      <details
        @toggle=${(event: Event) => (this.isTableOpen = (event.target as HTMLDetailsElement).open)}
      >
        <summary>${msg("As a table")}</summary>
        ${this.isTableOpen ? this.#table(charts, stretched) : nothing}
      </details>`;
  }

  override render() {
    return html`<div class="bar">
        <h3>${msg("How it has been doing")}</h3>
        ${this.#spans()}
      </div>
      ${this.#history.show((history: HealthHistory) => this.#charts(history))}`;
  }
}
