import { msg } from "@lit/localize";
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { createServerAdmin, type BackgroundWork } from "../../api/admin/server.ts";
import type { Client } from "../../store/client.ts";
import { base } from "../../styles/shared.ts";
import { Again } from "../parts/again.ts";
import { tags } from "../parts/facts.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";
import { workStyles } from "./styles.ts";
import { isUnderWay, progress, subjectOf, untilNextLook, workName, workState } from "./work.ts";
import { plainText } from "../../text/names.ts";

/** What is chosen of all work. */
export interface WorkFilter {
  readonly kinds?: readonly string[];
  readonly roomId?: string;
  readonly userId?: string;
}

/**
 * What the server does in the background of what is asked for, with how far it is, till it is done. What ends while it is looked at stays
 * and says how. Fires `changed` when something ended.
 */
@customElement("weft-admin-under-way")
export class WeftAdminUnderWay extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) filter: WorkFilter = {};
  /** All work, where somebody else asks for it already: then nothing is asked here. */
  @property({ attribute: false }) given: readonly BackgroundWork[] | undefined;
  /** What was under way when it was looked at. */
  readonly #seen = new Set<string>();
  readonly #ended = new Set<string>();
  readonly #all = new Loaded<readonly BackgroundWork[]>(this, async (signal) => {
    const work =
      this.given ?? (await createServerAdmin(this.client.api.http).background(signal)).work;
    return work.filter((each) => this.#fits(each));
  });
  readonly #again = new Again(
    this,
    () => this.#look(),
    () => untilNextLook(this.#all.value),
  );

  static override styles = [
    base,
    adminStyles,
    workStyles,
    css`
      :host {
        display: contents;
      }
    `,
  ];

  override willUpdate(changed: PropertyValues<this>): void {
    if (this.hasUpdated && changed.has("given")) void this.look();
  }

  /** Looks at once: something was begun. What has an id is shown also if it has ended already. */
  look(id?: string): Promise<void> {
    if (id !== undefined) this.#seen.add(id);
    return this.#again.now();
  }

  async #look(): Promise<void> {
    await this.#all.load();
    let hasEnded = false;
    for (const work of this.#all.value ?? []) {
      if (isUnderWay(work)) this.#seen.add(work.id);
      else if (this.#seen.has(work.id) && !this.#ended.has(work.id)) {
        this.#ended.add(work.id);
        hasEnded = true;
      }
    }
    if (hasEnded) this.dispatchEvent(new CustomEvent("changed"));
  }

  #fits({ kind, room_id: room, user_id: user }: BackgroundWork): boolean {
    const { kinds, roomId, userId } = this.filter;
    return (
      (kinds === undefined || kinds.includes(kind)) &&
      (roomId === undefined || room === roomId) &&
      (userId === undefined || user === userId)
    );
  }

  #one(work: BackgroundWork) {
    return html`<li class="work">
      <div class="head">
        <h3>${workName(work.kind)}</h3>
        ${subjectOf(work)} ${tags([workState(work.state)])}
      </div>
      ${progress(work)}
      ${work.error === undefined ? nothing : html`<p class="problem">${plainText(work.error)}</p>`}
    </li>`;
  }

  override render() {
    const shown = (this.#all.value ?? []).filter(
      (work) => isUnderWay(work) || this.#seen.has(work.id),
    );
    if (shown.length === 0) return nothing;
    return html`<ul class="works" aria-label=${msg("Under way")}>
      ${repeat(
        shown,
        ({ id }) => id,
        (work) => this.#one(work),
      )}
    </ul>`;
  }
}
