import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing, svg } from "lit";
import { customElement, property } from "lit/decorators.js";
import { base } from "../../styles/shared.ts";
import { areaPath, ceiling, linePath, type Series } from "./series.ts";

/** One line of a chart. */
export interface Line {
  readonly label: string;
  readonly values: Series;
  /** The first one has a ground below it; what is bad is drawn in the colour of what is bad. */
  readonly kind: "main" | "second" | "bad";
}

const WIDTH = 300;
const HEIGHT = 72;

/** What is bad is drawn where there is any. */
const isDrawn = ({ kind, values }: Line): boolean =>
  kind !== "bad" || values.some((value) => value !== null && value > 0);

/** Where somebody points, as a place in the series; undefined: no longer. */
export type PointedAt = CustomEvent<number | undefined>;

/** A small chart over time, with what it says in words. The same values stand in a table beside all charts. */
@customElement("weft-admin-chart")
export class WeftAdminChart extends LitElement {
  @property() heading = "";
  @property({ attribute: false }) lines: readonly Line[] = [];
  @property({ attribute: false }) say: (value: number) => string = String;
  /** The top of the chart is not below that. */
  @property({ type: Number }) least = 1;
  /** The place whose values are told; undefined: the newest. */
  @property({ attribute: false }) at: number | undefined;

  static override styles = [
    base,
    css`
      :host {
        display: block;
        padding: var(--space-3) var(--space-4) var(--space-3);
        border: 1px solid var(--line);
        border-radius: var(--radius-big);
        background: var(--raised);
      }
      .head {
        display: flex;
        align-items: baseline;
        justify-content: space-between;
        gap: var(--space-3);
        min-height: 3.1em;
        margin-bottom: var(--space-1);
      }
      h4 {
        margin: 0;
        font-size: 0.92em;
        font-weight: 550;
      }
      .now {
        display: grid;
        justify-items: end;
        font-variant-numeric: tabular-nums;
        white-space: nowrap;
      }
      .main {
        font-size: 1.15em;
        font-weight: 600;
      }
      .other {
        color: var(--muted);
        font-size: 0.83em;
      }
      .other.bad {
        color: var(--danger);
      }
      .plot {
        position: relative;
        height: 72px;
        border-bottom: 1px solid var(--line);
        touch-action: pan-y;
      }
      svg {
        display: block;
        width: 100%;
        height: 100%;
        overflow: visible;
      }
      path {
        vector-effect: non-scaling-stroke;
        fill: none;
        stroke-width: 1.75;
        stroke-linejoin: round;
        stroke-linecap: round;
      }
      .main-line {
        stroke: var(--accent);
      }
      .second-line {
        stroke: var(--line-strong);
        stroke-width: 1.25;
      }
      .bad-line {
        stroke: var(--danger);
      }
      .ground {
        fill: var(--accent-soft);
        stroke: none;
        opacity: 0.75;
      }
      .top {
        display: block;
        color: var(--muted);
        font-size: 0.8em;
        font-variant-numeric: tabular-nums;
      }
      .cursor {
        position: absolute;
        top: 0;
        bottom: 0;
        width: 1px;
        background: var(--line-strong);
        pointer-events: none;
      }
      .empty {
        position: absolute;
        inset: 0;
        display: grid;
        place-content: center;
        margin: 0;
        color: var(--muted);
        font-size: 0.87em;
      }
      @media (forced-colors: active) {
        .ground {
          fill: none;
        }
      }
    `,
  ];

  readonly #onPoint = (event: PointerEvent): void => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const length = this.lines[0]?.values.length ?? 0;
    const share = (event.clientX - box.left) / box.width;
    const at = Math.max(0, Math.min(length - 1, Math.round(share * (length - 1))));
    this.#tell(at);
  };

  #tell(at: number | undefined): void {
    this.dispatchEvent(new CustomEvent<number | undefined>("pointed", { detail: at }));
  }

  #valueAt({ values }: Line): number | undefined {
    const value =
      this.at === undefined ? values.findLast((each) => each !== null) : values[this.at];
    return value ?? undefined;
  }

  #told(line: Line): string {
    const value = this.#valueAt(line);
    return value === undefined ? "–" : this.say(value);
  }

  /** The chart in words. */
  #words(): string {
    const known = (this.lines[0]?.values ?? []).filter((value) => value !== null);
    if (known.length === 0) return msg(str`${this.heading}: nothing is known of this time`);
    const [lowest, highest] = [Math.min(...known), Math.max(...known)];
    return msg(
      str`${this.heading}: now ${this.say(known.at(-1)!)}, lowest ${this.say(lowest)}, highest ${this.say(highest)}`,
    );
  }

  #plot(isEmpty: boolean, top: number) {
    const length = this.lines[0]?.values.length ?? 0;
    const ground = this.lines.find(({ kind }) => kind === "main");
    return html`<div
      class="plot"
      @pointermove=${this.#onPoint}
      @pointerdown=${this.#onPoint}
      @pointerleave=${() => this.#tell(undefined)}
    >
      <svg
        viewBox="0 0 ${WIDTH} ${HEIGHT}"
        preserveAspectRatio="none"
        role="img"
        aria-label=${this.#words()}
      >
        ${
          ground === undefined
            ? nothing
            : svg`<path class="ground" d=${areaPath(ground.values, top, WIDTH, HEIGHT)}></path>`
        }
        ${this.lines
          .filter(isDrawn)
          .map(
            ({ kind, values }) =>
              svg`<path class="${kind}-line" d=${linePath(values, top, WIDTH, HEIGHT)}></path>`,
          )}
      </svg>
      ${isEmpty ? html`<p class="empty">${msg("Nothing is known of this time yet.")}</p>` : nothing}
      ${
        this.at === undefined || length < 2
          ? nothing
          : html`<span class="cursor" style="left: ${(this.at / (length - 1)) * 100}%"></span>`
      }
    </div>`;
  }

  override render() {
    const [first, ...others] = this.lines;
    const isEmpty = first?.values.every((value) => value === null) ?? true;
    const top = ceiling(
      this.lines.map(({ values }) => values),
      this.least,
    );
    return html`<div class="head">
        <div>
          <h4>${this.heading}</h4>
          <span class="top" aria-hidden="true">${msg(str`Top: ${this.say(top)}`)}</span>
        </div>
        <div class="now">
          <span class="main">${first === undefined ? nothing : this.#told(first)}</span>
          ${others.map(
            (line) =>
              html`<span class="other ${(this.#valueAt(line) ?? 0) > 0 ? line.kind : ""}"
                >${line.label} ${this.#told(line)}</span
              >`,
          )}
        </div>
      </div>
      ${this.#plot(isEmpty, top)}`;
  }
}
