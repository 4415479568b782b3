import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { MatrixEvent } from "../api/types.ts";
import type { Client } from "../store/client.ts";
import { shownContent } from "../store/describe.ts";
import { openDialog } from "../store/dialogs.ts";
import {
  END,
  isOfPoll,
  mayEnd,
  pollOf,
  RESPONSE,
  tally,
  type Poll,
  type Tally,
} from "../store/polls.ts";
import { canSend } from "../store/power.ts";
import type { Room } from "../store/room.ts";
import { isRedacted } from "../store/timeline.ts";
import { pollStyles } from "../styles/poll.ts";
import { base, buttons } from "../styles/shared.ts";
import { icon } from "./icon.ts";

/** A question, its answers to choose from, and what was chosen. */
@customElement("weft-poll")
export class WeftPoll extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  @property({ attribute: false }) event!: MatrixEvent;
  @property({ attribute: false }) version = "";
  /** Votes that lie further back than what is loaded. */
  @state() private earlier: readonly MatrixEvent[] = [];
  #asked: string | undefined;

  static override styles = [base, buttons, pollStyles];

  override willUpdate(): void {
    const { event_id: eventId } = this.event;
    if (this.#asked === eventId || eventId.startsWith("~")) return;
    this.#asked = eventId;
    this.earlier = [];
    this.client.history.related(this.room, eventId, "m.reference").then(
      (events) => {
        if (this.#asked === eventId) this.earlier = events;
      },
      () => (this.#asked = undefined),
    );
  }

  #about(): MatrixEvent[] {
    const { timeline } = this.room;
    const byId = new Map(this.earlier.map((event) => [event.event_id, event]));
    for (const event of timeline.relations.about(this.event.event_id))
      byId.set(event.event_id, event);
    return [...byId.values()].filter((event) => {
      const known = timeline.find(event.event_id)?.event ?? event;
      return isOfPoll(event) && !isRedacted(known);
    });
  }

  #vote(poll: Poll, { mine }: Tally, id: string): void {
    const without = mine.filter((one) => one !== id);
    const isTaken = mine.includes(id);
    const answers = isTaken ? without : poll.most === 1 ? [id] : [...without, id];
    this.client.outbox.send(this.room, RESPONSE, {
      [RESPONSE]: { answers },
      "m.relates_to": { rel_type: "m.reference", event_id: this.event.event_id },
    });
  }

  #end(poll: Poll): void {
    openDialog({
      kind: "confirm",
      heading: msg("End this poll?"),
      text: msg("Nobody can vote any more, and everyone sees the outcome. This cannot be undone."),
      action: msg("End the poll"),
      run: async () => {
        this.client.outbox.send(this.room, END, {
          [END]: {},
          "org.matrix.msc1767.text": msg(str`The poll “${poll.question}” has ended.`),
          "m.relates_to": { rel_type: "m.reference", event_id: this.event.event_id },
        });
      },
    });
  }

  #answer(poll: Poll, result: Tally, answer: Poll["answers"][number], mayVote: boolean) {
    const { id, text } = answer;
    const isMine = result.mine.includes(id);
    const isShown = result.hasEnded || (poll.isOpen && result.mine.length > 0);
    const voters = result.chosen.get(id) ?? [];
    const most = Math.max(0, ...[...result.chosen.values()].map((one) => one.length));
    const share = result.people === 0 ? 0 : voters.length / result.people;
    const isFull = !isMine && poll.most > 1 && result.mine.length >= poll.most;
    const names = voters.slice(0, 20).map((userId) => this.room.displayName(userId));
    return html`<button
      type="button"
      class="answer ${isShown && voters.length === most && most > 0 ? "winner" : ""}"
      role=${poll.most === 1 ? "radio" : "checkbox"}
      aria-checked=${isMine}
      ?disabled=${!mayVote || isFull}
      title=${isShown ? names.join(", ") : nothing}
      @click=${() => this.#vote(poll, result, id)}
    >
      <span class="mark">${isMine ? icon("check") : nothing}</span>
      <span class="text">${text}</span>
      ${
        isShown
          ? html`<span class="count">${votes(voters.length)}</span>
              <span class="bar" style="width:${Math.round(share * 100)}%"></span>`
          : nothing
      }
    </button>`;
  }

  override render() {
    const poll = pollOf(shownContent(this.room, this.event));
    if (poll === undefined) return html`<p>${msg("This poll cannot be shown.")}</p>`;
    const me = this.client.session.userId;
    const result = tally(this.room, this.event, poll, this.#about(), me);
    const isHere = !this.event.event_id.startsWith("~");
    const open = this.client.encryption.rooms.canWrite(this.room);
    const mayVote = isHere && open && !result.hasEnded && canSend(this.room, me, RESPONSE);
    const note = result.hasEnded
      ? msg("The poll has ended.")
      : poll.isOpen
        ? poll.most > 1
          ? msg(str`Choose up to ${poll.most}.`)
          : ""
        : msg("The outcome is shown at the end.");
    return html`<div class="poll">
      <p class="question" id="question">${icon("poll")} <span>${poll.question}</span></p>
      <div role=${poll.most === 1 ? "radiogroup" : "group"} aria-labelledby="question">
        ${poll.answers.map((answer) => this.#answer(poll, result, answer, mayVote))}
      </div>
      <p class="foot">
        <span>${votes(result.people)}${note === "" ? "" : ` · ${note}`}</span>
        ${
          mayVote && mayEnd(this.room, this.event, me)
            ? html`<button type="button" class="button quiet small" @click=${() => this.#end(poll)}>
                ${msg("End the poll")}
              </button>`
            : nothing
        }
      </p>
    </div>`;
  }
}

const votes = (count: number): string => (count === 1 ? msg("1 vote") : msg(str`${count} votes`));
