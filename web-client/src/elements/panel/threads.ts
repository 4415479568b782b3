import { msg, str } from "@lit/localize";
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { MatrixEvent } from "../../api/types.ts";
import { Watch } from "../../controllers/watch.ts";
import type { Client } from "../../store/client.ts";
import { describeMessage } from "../../store/describe.ts";
import { openPanel } from "../../store/panel.ts";
import type { Room } from "../../store/room.ts";
import { unreadIn } from "../../store/unread.ts";
import { panelStyles } from "../../styles/panel.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { explain } from "../../text/problems.ts";
import { icon } from "../icon.ts";
import { quotedMessage } from "./quoted-message.ts";

/** The threads of a room: those of the newest reply first, as its server lists them, before them what began since. */
@customElement("weft-threads")
export class WeftThreads extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  @state() private roots: readonly MatrixEvent[] = [];
  @state() private own = false;
  @state() private busy = false;
  @state() private problem = "";
  #next: string | undefined;
  #isWhole = false;
  #round = 0;

  constructor() {
    super();
    new Watch(this, () => [this.room?.signals.$state, this.room?.signals.$timeline]);
  }

  static override styles = [base, buttons, forms, panelStyles];

  override willUpdate(changed: PropertyValues): void {
    if (!changed.has("room") && !changed.has("own")) return;
    this.roots = [];
    this.#next = undefined;
    this.#isWhole = false;
    this.#round++;
    void this.#more();
  }

  async #more(): Promise<void> {
    const { client, room } = this;
    const round = this.#round;
    this.busy = true;
    this.problem = "";
    try {
      const include = this.own ? "participated" : "all";
      const page = await client.api.reading.threads(room.roomId, this.#next, include);
      const found = await client.history.readable(room, page.chunk);
      if (round !== this.#round) return;
      for (const event of found) room.record.threads.begun(event);
      const known = new Set(this.roots.map((event) => event.event_id));
      this.roots = [...this.roots, ...found.filter((event) => !known.has(event.event_id))];
      this.#next = page.next_batch;
      this.#isWhole = page.next_batch === undefined;
    } catch (error) {
      if (round === this.#round) this.problem = explain(error);
    }
    if (round === this.#round) this.busy = false;
  }

  /** Those that began, or were not on a page yet, since the list was asked for. */
  get #all(): MatrixEvent[] {
    const { record } = this.room;
    const known = new Set(this.roots.map((event) => event.event_id));
    const fresh = this.own
      ? []
      : record.threads.roots
          .filter((root) => !known.has(root) && record.threads.of(root) !== undefined)
          .flatMap((root) => record.find(root)?.event ?? []);
    const newest = (event: MatrixEvent): number =>
      record.threads.of(event.event_id)?.latest?.origin_server_ts ?? event.origin_server_ts;
    return [...this.roots, ...fresh].toSorted((a, b) => newest(b) - newest(a));
  }

  #one(event: MatrixEvent) {
    const { room } = this;
    const root = event.event_id;
    const thread = room.record.threads.of(root);
    const { threads } = unreadIn(
      room,
      this.client.session.userId,
      this.client.store.accountData.get("m.push_rules"),
    );
    const unread = threads.get(root)?.notifications ?? 0;
    const count = thread?.count ?? 0;
    const said =
      thread?.latest === undefined
        ? ""
        : ` · ${room.displayName(thread.latest.sender)}: ${describeMessage(room, thread.latest)}`;
    return html`<li>
      ${quotedMessage({
        room,
        event: room.record.find(root)?.event ?? event,
        note: html`<span class="note ellipsis"
            >${count === 1 ? msg("1 reply") : msg(str`${count} replies`)}${said}</span
          >
          ${unread > 0 ? html`<span class="note unread">${msg(str`${unread} unread`)}</span>` : nothing}`,
        onOpen: () => openPanel(this, { kind: "thread", root }),
      })}
    </li>`;
  }

  override render() {
    const all = this.#all;
    return html`<div class="choices">
        <label class="choice"
          ><input
            type="checkbox"
            .checked=${this.own}
            @change=${(event: Event) => (this.own = (event.target as HTMLInputElement).checked)}
          />
          ${msg("Only those that I wrote in")}</label
        >
      </div>
      ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
      ${
        all.length === 0 && !this.busy && this.problem === ""
          ? html`<p class="empty">
              ${msg("There are no threads here yet. Reply to a message in a thread, and what belongs together stays together.")}
            </p>`
          : html`<ul class="list scroll" aria-busy=${this.busy}>
              ${all.map((event) => this.#one(event))}
              ${this.#isWhole ? nothing : html`<li class="more">${this.#moreButton()}</li>`}
            </ul>`
      }`;
  }

  #moreButton() {
    return html`<button
      type="button"
      class="button small"
      ?disabled=${this.busy}
      @click=${() => void this.#more()}
    >
      ${this.busy ? msg("Loading…") : html`${icon("arrowDown")} ${msg("Show more")}`}
    </button>`;
  }
}
