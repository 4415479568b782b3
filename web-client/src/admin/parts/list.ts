import { msg, str } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { isAbort } from "../../api/errors.ts";
import { icon } from "../../elements/icon.ts";
import "../../elements/menu.ts";
import { type AdminRoute, navigate } from "../../store/router.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { explainAct } from "../../text/act-problems.ts";
import { count } from "./facts.ts";
import { listStyles } from "./list-styles.ts";
import {
  PAGE,
  queryOf,
  wishOf,
  type Column,
  type Listing,
  type Page,
  type Wish,
} from "./listing.ts";
import { failure } from "./loaded.ts";
import { adminStyles } from "./styles.ts";

/** Milliseconds after the last letter until a search begins. */
const PAUSE = 300;

/**
 * A list in pages: a table with search, filters and order, and cards where there is no room for a table. With `place`, what
 * is wished for stands in the address.
 */
@customElement("weft-admin-list")
export class WeftAdminList extends LitElement {
  @property({ attribute: false }) listing!: Listing<unknown>;
  /** Where the list stands, for its address. */
  @property({ attribute: false }) place: AdminRoute | undefined;
  @state() private wish!: Wish;
  @state() private page: Page<unknown> | undefined;
  @state() private problem = "";
  @state() private busy = false;
  #turn: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Where the pages before this one begin. */
  #trail: (string | undefined)[] = [];
  /** The address that this list wrote itself. */
  #written: string | undefined;
  #hadFocus = false;

  static override styles = [base, buttons, forms, adminStyles, listStyles];

  override willUpdate(changed: PropertyValues<this>): void {
    if (this.wish !== undefined && !changed.has("place")) return;
    const query = this.place?.query ?? {};
    const text = JSON.stringify(query);
    if (this.wish !== undefined && text === this.#written) return;
    this.#written = text;
    this.wish = wishOf(this.listing, query);
    this.#trail = [];
    void this.reload();
  }

  override disconnectedCallback(): void {
    this.#turn?.abort();
    clearTimeout(this.#timer);
    super.disconnectedCallback();
  }

  /** Fetches the page anew; what is shown stays till it comes. */
  async reload(): Promise<void> {
    this.#turn?.abort();
    const turn = (this.#turn = new AbortController());
    this.busy = true;
    this.problem = "";
    try {
      const page = await this.listing.load(this.wish, turn.signal);
      if (turn === this.#turn) this.page = page;
    } catch (error) {
      if (turn === this.#turn && !isAbort(error)) this.problem = explainAct(error);
    }
    if (turn !== this.#turn) return;
    this.busy = false;
    // The last row of the last page is gone.
    if (this.page?.rows.length === 0 && this.wish.from !== undefined && this.problem === "")
      this.#go(this.#before());
  }

  #want(part: Partial<Wish>): void {
    this.wish = { ...this.wish, from: undefined, ...part };
    if (!("from" in part)) this.#trail = [];
    if (this.place !== undefined) {
      const query = queryOf(this.listing, this.wish);
      this.#written = JSON.stringify(query);
      navigate({ ...this.place, query }, true);
    }
    void this.reload();
  }

  /** Where the page before this one begins. */
  #before(): string | undefined {
    if (this.#trail.length > 0) return this.#trail.at(-1);
    const before = Number(this.wish.from) - PAGE;
    return before > 0 ? String(before) : undefined;
  }

  #go(from: string | undefined): void {
    if (this.#trail.length > 0 && from === this.#trail.at(-1)) this.#trail.pop();
    else if (from === undefined) this.#trail = [];
    else this.#trail.push(this.wish.from);
    this.#want({ from });
    this.renderRoot.querySelector<HTMLElement>(".rows")?.scrollIntoView({ block: "nearest" });
  }

  readonly #onSearch = (event: Event): void => {
    const search = (event.target as HTMLInputElement).value;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#want({ search: search.trim() }), PAUSE);
  };

  #sort(order: string): void {
    const same = order === this.wish.order;
    this.#want({ order, dir: same && this.wish.dir === "f" ? "b" : "f" });
  }

  /** Up and down move between the rows' names. */
  readonly #onKey = (event: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by === undefined || event.altKey) return;
    const links = [...this.renderRoot.querySelectorAll<HTMLElement>("tbody a.name")];
    const at = links.indexOf(this.shadowRoot?.activeElement as HTMLElement);
    if (at < 0) return;
    event.preventDefault();
    links[at + by]?.focus();
  };

  override updated(): void {
    // What had the keyboard is gone with its row: the list has it then, not the page.
    const hasFocus = this.shadowRoot?.activeElement !== null;
    if (this.#hadFocus && !hasFocus && document.activeElement === document.body)
      this.renderRoot.querySelector<HTMLElement>(".rows")?.focus();
    this.#hadFocus = hasFocus;
  }

  readonly #onFocus = (event: FocusEvent): void => {
    this.#hadFocus = event.type === "focusin";
  };

  #filters() {
    return (this.listing.filters ?? []).map(
      ({ name, label, options }) =>
        html`<label
          >${label}<select
            aria-label=${label}
            @change=${(event: Event) =>
              this.#want({
                filters: {
                  ...this.wish.filters,
                  [name]: (event.target as HTMLSelectElement).value,
                },
              })}
          >
            ${options.map(
              ([value, text]) =>
                html`<option value=${value} ?selected=${value === this.wish.filters[name]}>
                  ${text}
                </option>`,
            )}
          </select></label
        >`,
    );
  }

  /** For cards, which have no headings to press. */
  #order() {
    const sortable = this.listing.columns.filter(({ order }) => order !== undefined);
    if (sortable.length === 0) return nothing;
    return html`<label class="narrow"
      >${msg("Order")}<select
        aria-label=${msg("Order")}
        @change=${(event: Event) => {
          const [order, dir] = (event.target as HTMLSelectElement).value.split(" ");
          this.#want({ order: order!, dir: dir === "b" ? "b" : "f" });
        }}
      >
        ${sortable.flatMap(({ order, label }) =>
          (["f", "b"] as const).map(
            (dir) =>
              html`<option
                value="${order!} ${dir}"
                ?selected=${order === this.wish.order && dir === this.wish.dir}
              >
                ${dir === "f" ? label : msg(str`${label}, backwards`)}
              </option>`,
          ),
        )}
      </select></label
    >`;
  }

  #tools() {
    const { searchLabel, filters = [] } = this.listing;
    if (searchLabel === undefined && filters.length === 0) return nothing;
    return html`<div class="tools" role="search">
      ${
        searchLabel === undefined
          ? nothing
          : html`<label class="term"
              >${searchLabel}<input
                type="search"
                spellcheck="false"
                autocomplete="off"
                .value=${this.wish.search}
                @input=${this.#onSearch}
            /></label>`
      }
      ${this.#filters()} ${this.#order()}
    </div>`;
  }

  #heading({ label, order, isNumber }: Column<unknown>) {
    const kind = isNumber === true ? "number" : "";
    if (order === undefined) return html`<th role="columnheader" class=${kind}>${label}</th>`;
    const isCurrent = order === this.wish.order;
    const sorted = isCurrent ? (this.wish.dir === "f" ? "ascending" : "descending") : nothing;
    // On a narrow screen rows are shown as cards: only screen readers meet the column headers, as plain text instead of buttons.
    return html`<th role="columnheader" class=${kind} aria-sort=${sorted}>
      <span class="narrow">${label}</span>
      <button type="button" class="sort" @click=${() => this.#sort(order)}>
        ${label}<span class="mark ${isCurrent ? this.wish.dir : ""}" aria-hidden="true"
          >${icon("arrowDown")}</span
        >
      </button>
    </th>`;
  }

  #row(row: unknown) {
    const { columns, menu, nameOf } = this.listing;
    return html`<tr role="row">
      ${columns.map(
        ({ label, isNumber, cell }) =>
          html`<td role="cell" class=${isNumber === true ? "number" : ""}>
            <span class="label" aria-hidden="true">${label}</span>
            <div class="value">${cell(row)}</div>
          </td>`,
      )}
      ${
        menu === undefined
          ? nothing
          : html`<td role="cell" class="menu">
              <weft-menu
                label=${msg(str`Actions for ${nameOf(row)}`)}
                .items=${menu.call(this.listing, row)}
              ></weft-menu>
            </td>`
      }
    </tr>`;
  }

  #table({ rows }: Page<unknown>) {
    const { listing } = this;
    if (rows.length === 0) return html`<p class="empty">${listing.empty}</p>`;
    return html`<table role="table" aria-label=${listing.label} @keydown=${this.#onKey}>
      <thead role="rowgroup">
        <tr role="row">
          ${listing.columns.map((column) => this.#heading(column))}
          ${
            listing.menu === undefined
              ? nothing
              : html`<th role="columnheader" class="menu">
                  <span class="hidden-label">${msg("Actions")}</span>
                </th>`
          }
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${repeat(
          rows,
          (row) => listing.keyOf(row),
          (row) => this.#row(row),
        )}
      </tbody>
    </table>`;
  }

  #status(): string {
    if (this.page === undefined) return this.busy ? msg("One moment…") : "";
    const { rows, total } = this.page;
    const place = Number(this.wish.from ?? 0);
    if (total === undefined || Number.isNaN(place)) return "";
    if (rows.length === 0) return "";
    return msg(str`${count(place + 1)}–${count(place + rows.length)} of ${count(total)}`);
  }

  #pager() {
    const { page, wish } = this;
    const total = page?.total;
    const last =
      total === undefined || total <= PAGE
        ? undefined
        : String(Math.floor((total - 1) / PAGE) * PAGE);
    const isFirst = wish.from === undefined;
    const isLast = page?.next === undefined;
    const step = (label: string, isOff: boolean, go: () => void) =>
      html`<button
        type="button"
        class="button small"
        aria-disabled=${isOff}
        @click=${() => (isOff ? undefined : go())}
      >
        ${label}
      </button>`;
    return html`<div class="pager">
      <p role="status">${this.#status()}</p>
      ${
        isFirst && isLast
          ? nothing
          : html`<div class="steps" role="group" aria-label=${msg("Pages")}>
              ${step(msg("First"), isFirst, () => this.#go(undefined))}
              ${step(msg("Previous"), isFirst, () => this.#go(this.#before()))}
              ${step(msg("Next"), isLast, () => this.#go(page?.next))}
              ${last === undefined ? nothing : step(msg("Last"), isLast, () => this.#go(last))}
            </div>`
      }
    </div>`;
  }

  override render() {
    return html`${this.#tools()}
      ${this.problem === "" ? nothing : failure(this.problem, () => void this.reload())}
      <div
        class="rows ${this.busy && this.page !== undefined ? "old" : ""}"
        tabindex="-1"
        role="region"
        aria-label=${this.listing.label}
        aria-busy=${this.busy}
        @focusin=${this.#onFocus}
      >
        ${this.page === undefined ? nothing : this.#table(this.page)}
      </div>
      ${this.#pager()}`;
  }
}
