import { msg } from "@lit/localize";
import { html, type TemplateResult } from "lit";
import type { Room } from "../../store/room.ts";
import type { SearchQuery } from "../../store/search/search.ts";

/** People who are offered by name. */
const MAX_OFFERED = 200;

/** The fields that narrow a search down. */
export function searchFilters(room: Room, onChange: () => void): TemplateResult {
  const people = room
    .members("join", "invite")
    .slice(0, MAX_OFFERED)
    .map(({ userId }) => ({ userId, name: room.displayName(userId) }))
    .toSorted((a, b) => a.name.localeCompare(b.name));
  return html`<div class="filters" @change=${onChange}>
    <div>
      <label for="sender">${msg("From")}</label>
      <select id="sender" name="sender">
        <option value="">${msg("Anyone")}</option>
        ${people.map(({ userId, name }) => html`<option value=${userId}>${name}</option>`)}
      </select>
    </div>
    <div>
      <label for="has">${msg("With")}</label>
      <select id="has" name="has">
        <option value="">${msg("Anything")}</option>
        <option value="file">${msg("A file")}</option>
        <option value="link">${msg("A link")}</option>
      </select>
    </div>
    <div>
      <label for="after">${msg("Since")}</label>
      <input type="date" id="after" name="after" />
    </div>
    <div>
      <label for="before">${msg("Until")}</label>
      <input type="date" id="before" name="before" />
    </div>
  </div>`;
}

function value(data: FormData, name: string): string | undefined {
  const found = data.get(name);
  return typeof found === "string" && found.trim() !== "" ? found.trim() : undefined;
}

/** The beginning of a day, and of the one after it, where the person is. */
function dayOf(date: string | undefined, later: number): number | undefined {
  if (date === undefined) return undefined;
  const [year, month, day] = date.split("-").map(Number);
  const time = new Date(year!, month! - 1, day! + later).getTime();
  return Number.isNaN(time) ? undefined : time;
}

/** What the fields ask for. */
export function queryOf(data: FormData, roomId: string | undefined): SearchQuery {
  const has = value(data, "has");
  return {
    words: value(data, "words") ?? "",
    roomId,
    sender: value(data, "sender"),
    has: has === "file" || has === "link" ? has : undefined,
    after: dayOf(value(data, "after"), 0),
    before: dayOf(value(data, "before"), 1),
  };
}
