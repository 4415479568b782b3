import { msg, str } from "@lit/localize";
import { html, nothing, type TemplateResult } from "lit";
import type { BackgroundWork } from "../../api/admin/server.ts";
import { count, hrefToAdminRoom, hrefToUser, type Tag } from "../parts/facts.ts";

/** What the server does, in words; what a newer one does besides keeps its own name. */
export function workName(kind: string): string {
  const names: Record<string, string> = {
    delete_room: msg("Deleting a room"),
    purge_history: msg("Deleting old messages"),
    redact_user: msg("Removing a user’s messages"),
    delete_media: msg("Deleting old files"),
    send_notice: msg("Sending a notice to many"),
    index_messages: msg("Indexing messages for searches"),
    index_people: msg("Indexing people for searches"),
    complete_room: msg("Fetching the state of a room"),
  };
  return names[kind] ?? kind;
}

export const isUnderWay = ({ state }: BackgroundWork): boolean =>
  state === "waiting" || state === "running" || state === "halted";

/** Milliseconds between two looks while something is under way, and while nothing is. */
const [SOON, LATER] = [1_500, 15_000];

export const untilNextLook = (work: readonly BackgroundWork[] | undefined): number =>
  work?.some(isUnderWay) === true ? SOON : LATER;

export function workState(state: BackgroundWork["state"]): Tag {
  const names: Record<BackgroundWork["state"], Tag> = {
    waiting: [msg("Waits its turn"), "quiet"],
    running: [msg("Under way")],
    halted: [msg("Halted"), "quiet"],
    stopped: [msg("Stopped"), "quiet"],
    complete: [msg("Done", { id: "Done (it succeeded)" })],
    failed: [msg("Failed"), "bad"],
  };
  return names[state];
}

/** The room or the user that it is about, as a link; or nothing. */
export function subjectOf({
  room_id: room,
  user_id: user,
}: BackgroundWork): TemplateResult | string {
  if (user !== undefined) return html`<a class="subject" href=${hrefToUser(user)}>${user}</a>`;
  if (room === undefined) return "";
  return html`<a class="subject" href=${hrefToAdminRoom(room)}>${room}</a>`;
}

/** What is counted, in words; undefined: nothing is. */
function progressText({ kind, done, total }: BackgroundWork): string | undefined {
  if (done === null) return undefined;
  if (kind === "delete_room")
    return done === 0
      ? msg("People are being put out")
      : msg("Messages and state are being deleted");
  if (kind === "complete_room")
    return done === 0 ? msg("The state is being fetched") : msg("The state is being worked out");
  if (kind === "redact_user")
    return total === null
      ? msg(str`Rooms done: ${count(done)}`)
      : msg(str`Rooms done: ${count(done)} of ${count(total)}`);
  if (kind === "send_notice" && total !== null)
    return msg(str`Told: ${count(done)} of ${count(total)}`);
  if (kind === "delete_media" && total !== null)
    return msg(str`Files deleted: ${count(done)} of ${count(total)}`);
  if (kind === "index_messages" && total !== null)
    return msg(str`Messages looked through: ${count(done)} of ${count(total)}`);
  return undefined;
}

/** How far it is: a bar, and what that means. Of what has ended only how many it reached. */
export function progress(work: BackgroundWork): TemplateResult | typeof nothing {
  const { done, total, kind, state } = work;
  if (!isUnderWay(work))
    return kind === "delete_media" || kind === "send_notice"
      ? html`<span class="id">${progressText(work) ?? nothing}</span>`
      : nothing;
  const isKnown = done !== null && total !== null && total > 1;
  return html`<div class="progress">
    ${
      state === "waiting"
        ? nothing
        : isKnown
          ? html`<progress max=${total} .value=${done} aria-label=${workName(kind)}></progress>`
          : html`<progress aria-label=${workName(kind)}></progress>`
    }
    <span class="id">${progressText(work) ?? nothing}</span>
  </div>`;
}
