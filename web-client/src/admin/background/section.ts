import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { createServerAdmin, type Background, type BackgroundWork } from "../../api/admin/server.ts";
import type { Act } from "../../store/acts.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import type { AdminRoute } from "../../store/router.ts";
import { toast } from "../../store/toasts.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { Again } from "../parts/again.ts";
import { count, facts, moment, tags } from "../parts/facts.ts";
import "../parts/list.ts";
import type { WeftAdminList } from "../parts/list.ts";
import { ofWhole, type Listing } from "../parts/listing.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";
import { workStyles } from "./styles.ts";
import "./under-way.ts";
import { isUnderWay, subjectOf, untilNextLook, workName, workState } from "./work.ts";
import { followerName } from "./followers.ts";
import { plainText } from "../../text/names.ts";

/** So many steps behind is as good as none: places are not saved at each step. */
const USUAL = 20;

/** What the server does in the background: under way, ended, and what follows its log. */
@customElement("weft-admin-background")
export class WeftAdminBackground extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;
  @query("weft-admin-list") private list!: WeftAdminList | null;
  readonly #known = new Loaded<Background>(this, (signal) =>
    createServerAdmin(this.client.api.http).background(signal),
  );
  readonly #again = new Again(
    this,
    () => this.#look(),
    () => untilNextLook(this.#known.value?.work),
  );

  /** Ended work that the list was made of. */
  #listed = "";

  static override styles = [base, buttons, forms, adminStyles, workStyles];

  async #look(): Promise<void> {
    await this.#known.load();
    const ended = this.#endedWork()
      .map(({ id }) => id)
      .join();
    if (ended === this.#listed) return;
    this.#listed = ended;
    void this.list?.reload();
  }

  #endedWork(): BackgroundWork[] {
    return (this.#known.value?.work ?? []).filter((each) => !isUnderWay(each));
  }

  #open(act: Act): void {
    openDialog({ kind: "act", act });
  }

  #halt(isHalted: boolean): void {
    this.#open({
      heading: isHalted ? msg("Go on indexing") : msg("Halt the indexing"),
      text: isHalted
        ? msg("Messages and people that searches do not find yet are indexed again.")
        : msg(
            "Messages and people of before are not indexed for now, which spares the database. As long as the index is not whole, searches do not find new ones either.",
          ),
      undo: isHalted ? msg("You can halt it again.") : msg("You can have it go on at any time."),
      action: isHalted ? msg("Go on") : msg("Halt"),
      run: async () => {
        await createServerAdmin(this.client.api.http).setIndexing(isHalted);
        toast(isHalted ? msg("The indexing goes on.") : msg("The indexing is halted."));
        void this.#again.now();
      },
    });
  }

  readonly #indexPeople = (): void =>
    this.#open({
      heading: msg("Index people anew"),
      text: msg(
        "The index by which people are found by name is written again from the start. Until it is done, searches may miss somebody.",
      ),
      undo: msg("It cannot be stopped for good, and does no harm."),
      action: msg("Index anew"),
      run: async () => {
        await createServerAdmin(this.client.api.http).start("regenerate_directory");
        toast(msg("People are being indexed anew."));
        void this.#again.now();
      },
    });

  #ended(): Listing<BackgroundWork> {
    return {
      label: msg("Ended in the last week"),
      empty: msg("Nothing has ended in the last week."),
      filters: [
        {
          name: "state",
          label: msg("Show"),
          options: [
            ["", msg("All")],
            ["failed", msg("What failed")],
          ],
        },
      ],
      columns: [
        {
          label: msg("What"),
          cell: (work) => html`<b>${workName(work.kind)}</b><br />${subjectOf(work)}`,
        },
        {
          label: msg("State"),
          cell: (work) =>
            html`${tags([workState(work.state)])}
            ${work.error === undefined ? nothing : html`<br /><span class="id">${plainText(work.error)}</span>`}`,
        },
        { label: msg("Begun"), isNumber: true, cell: (work) => moment(work.started_ts) },
        { label: msg("Ended"), isNumber: true, cell: (work) => moment(work.ended_ts) },
      ],
      keyOf: ({ id }) => id,
      nameOf: ({ kind }) => workName(kind),
      // It stands on the page once all work is known, which is asked for again and again.
      load: (wish) => {
        const state = wish.filters["state"];
        const ended = this.#endedWork().filter((each) => !state || each.state === state);
        return Promise.resolve(ofWhole(wish, ended));
      },
    };
  }

  #followers({ followers }: Background) {
    return html`<h3>${msg("What follows the log")}</h3>
      <p class="hint">
        ${msg("Whatever happens is written into one log, and these read it one after another. Some steps behind is usual; many for long is not.")}
      </p>
      ${facts(
        followers.map(({ name, behind }) => [
          followerName(name),
          behind <= USUAL ? msg("Up to date") : msg(str`Steps behind: ${count(behind)}`),
        ]),
      )}`;
  }

  override render() {
    const isHalted = this.#known.value?.is_halted ?? false;
    const isBusy = this.#known.value?.work.some(isUnderWay) ?? false;
    return html`<div class="bar">
        <h2>${msg("Background work")}</h2>
        <button type="button" class="button" @click=${this.#indexPeople}>
          ${msg("Index people anew")}
        </button>
        <button type="button" class="button" @click=${() => this.#halt(isHalted)}>
          ${isHalted ? msg("Go on indexing") : msg("Halt the indexing")}
        </button>
      </div>
      ${this.#known.show(
        (known: Background) =>
          html`${isHalted ? html`<p class="hint">${msg("Indexing for searches is halted.")}</p>` : nothing}
            <h3>${msg("Under way")}</h3>
            ${isBusy ? nothing : html`<p class="hint">${msg("Nothing is under way.")}</p>`}
            <weft-admin-under-way
              .client=${this.client}
              .given=${known.work}
            ></weft-admin-under-way>
            <h3>${msg("Ended in the last week")}</h3>
            <weft-admin-list .listing=${this.#ended()} .place=${this.place}></weft-admin-list>
            ${this.#followers(known)}`,
      )}`;
  }
}
