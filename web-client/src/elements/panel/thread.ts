import { msg } from "@lit/localize";
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { ApiError } from "../../api/errors.ts";
import type { MatrixEvent } from "../../api/types.ts";
import { Watch } from "../../controllers/watch.ts";
import type { Client } from "../../store/client.ts";
import type { Room } from "../../store/room.ts";
import { followByItself, setFollowed } from "../../store/thread-following.ts";
import type { Timeline } from "../../store/timeline.ts";
import { attempt } from "../../store/toasts.ts";
import { panelStyles } from "../../styles/panel.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { explain } from "../../text/problems.ts";
import "../composer.ts";
import type { WeftComposer } from "../composer.ts";
import { icon } from "../icon.ts";
import "../timeline.ts";
import type { WeftTimeline } from "../timeline.ts";

/** A thread: what it began with, its messages, and a field to write in. */
@customElement("weft-thread")
export class WeftThread extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  /** The event that the thread began with. */
  @property() root = "";
  /** A message in it to go to. */
  @property() focusEvent: string | undefined;
  @state() private thread: Timeline | undefined;
  @state() private problem = "";
  /** Whether one follows it; undefined while it is not known, or where servers know no such thing. */
  @state() private followed: boolean | undefined;
  @query("weft-composer") private composer!: WeftComposer | null;
  @query("weft-timeline") private timeline!: WeftTimeline | null;
  #round = 0;

  constructor() {
    super();
    new Watch(this, () => [this.room?.signals.$timeline]);
  }

  static override styles = [
    base,
    buttons,
    forms,
    panelStyles,
    css`
      weft-timeline {
        flex: 1;
        min-height: 0;
      }
      .follow {
        display: flex;
        justify-content: flex-end;
        padding: 0 var(--space-3) var(--space-1);
      }
    `,
  ];

  override disconnectedCallback(): void {
    this.#round++;
    this.thread?.close();
    this.thread = undefined;
    super.disconnectedCallback();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) void this.#load();
  }

  override willUpdate(changed: PropertyValues): void {
    const isOther = changed.has("root") || changed.has("room");
    if (isOther) {
      this.followed = undefined;
      void this.#ask();
    }
    if (isOther || this.thread?.isBehind) void this.#load();
    const last = this.thread?.entries.at(-1)?.event;
    if (last?.sender === this.client.session.userId && this.followed === false) {
      void this.#followFor(last);
    }
  }

  async #load(): Promise<void> {
    const round = ++this.#round;
    const before = this.thread;
    if (before !== undefined) before.isBehind = false;
    this.problem = "";
    try {
      const thread = await this.client.history.thread(this.room, this.root);
      if (round !== this.#round) {
        thread.close();
        return;
      }
      before?.close();
      this.thread = thread;
    } catch (error) {
      if (round === this.#round) this.problem = explain(error);
    }
  }

  async #ask(): Promise<void> {
    const { root } = this;
    try {
      await this.client.api.reading.subscription(this.room.roomId, root);
      if (root === this.root) this.followed = true;
    } catch (error) {
      const isNot = error instanceof ApiError && error.errcode === "M_NOT_FOUND";
      if (root === this.root && isNot) this.followed = false;
    }
  }

  async #followFor(event: MatrixEvent): Promise<void> {
    if (await followByItself(this.client, this.room, this.root, event)) this.followed = true;
  }

  #toggle(): void {
    const on = this.followed !== true;
    void attempt(async () => {
      await setFollowed(this.client, this.room, this.root, on);
      this.followed = on;
    });
  }

  #following() {
    if (this.followed === undefined) return nothing;
    return html`<div class="follow">
      <button
        type="button"
        class="button small quiet"
        aria-pressed=${this.followed}
        title=${msg("Followed threads notify you of each reply; others only when you are mentioned.")}
        @click=${() => this.#toggle()}
      >
        ${icon(this.followed ? "bell" : "bellOff")}
        ${this.followed ? msg("You follow this thread") : msg("Follow this thread")}
      </button>
    </div>`;
  }

  override render() {
    const { client, room, thread } = this;
    if (this.problem !== "" && thread === undefined) {
      return html`<p class="problem" role="alert">${this.problem}</p>
        <div class="more">
          <button type="button" class="button" @click=${() => void this.#load()}>
            ${icon("retry")} ${msg("Try again")}
          </button>
        </div>`;
    }
    if (thread === undefined) return html`<p class="empty" role="status">${msg("Loading…")}</p>`;
    const stop = (event: Event): void => event.stopPropagation();
    return html`${this.#following()}
    ${keyed(
      thread,
      html`<weft-timeline
        .client=${client}
        .room=${room}
        .thread=${thread}
        .focusEvent=${this.focusEvent}
        @reply=${(event: CustomEvent<MatrixEvent>) => {
          stop(event);
          this.composer?.reply(event.detail);
        }}
        @edit=${(event: CustomEvent<MatrixEvent>) => {
          stop(event);
          this.composer?.edit(event.detail);
        }}
        @go-to-event=${(event: CustomEvent<string>) => {
          if (thread.find(event.detail) === undefined) return;
          stop(event);
          void this.timeline?.goTo(event.detail);
        }}
      ></weft-timeline>`,
    )}
    ${keyed(
      this.root,
      html`<weft-composer
        .client=${client}
        .room=${room}
        .threadRoot=${this.root}
        name=${msg("the thread")}
      ></weft-composer>`,
    )}`;
  }
}
