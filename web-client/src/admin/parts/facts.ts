import { msg } from "@lit/localize";
import { html, nothing, type TemplateResult } from "lit";
import { icon } from "../../elements/icon.ts";
import type { MenuItem } from "../../elements/menu.ts";
import { localName } from "../../store/room.ts";
import { hrefTo } from "../../store/router.ts";
import { plainName } from "../../text/names.ts";
import { fullTime, shortTime } from "../../text/time.ts";
import { locale } from "../../text/locale.ts";
import "../../elements/avatar.ts";

/** What is known of something, as names and values. What is undefined is left out. */
export function facts(rows: readonly (readonly [label: string, value: unknown])[]): TemplateResult {
  return html`<dl class="facts">
    ${rows.map(([label, value]) =>
      value === undefined
        ? nothing
        : html`<div>
            <dt>${label}</dt>
            <dd>${value}</dd>
          </div>`,
    )}
  </dl>`;
}

export type Tag = readonly [label: string, kind?: "bad" | "quiet"];

/** Short words on what something is. */
export function tags(all: readonly (Tag | false)[]): TemplateResult | typeof nothing {
  const shown = all.filter((tag): tag is Tag => tag !== false);
  if (shown.length === 0) return nothing;
  return html`<span class="tags"
    >${shown.map(([label, kind = ""]) => html`<span class="tag ${kind}">${label}</span>`)}</span
  >`;
}

/** A moment in short, in full under the pointer. */
export function moment(ts: number | null | undefined): TemplateResult | string {
  if (ts === null || ts === undefined || ts <= 0) return "–";
  const iso = Math.abs(ts) < 8.64e15 ? new Date(ts).toISOString() : "";
  if (iso === "") return "–";
  return html`<time datetime=${iso} title=${fullTime(ts)}>${shortTime(ts)}</time>`;
}

export const count = (value: number): string => new Intl.NumberFormat(locale()).format(value);

/** The same acts as in a menu, as buttons on a page. */
export function actButtons(items: readonly MenuItem[]): TemplateResult {
  return html`<div class="acts">
    ${items.map(
      ({ label, danger, icon: sign, run }) =>
        html`<button
          type="button"
          class="button small ${danger === true ? "danger" : ""}"
          @click=${run}
        >
          ${icon(sign)} ${label}
        </button>`,
    )}
  </div>`;
}

interface Person {
  userId: string;
  name?: string | null | undefined;
  avatar?: string | null | undefined;
}

/** A person with their picture; the name leads to their page. */
export function person({ userId, name, avatar }: Person, size = 32): TemplateResult {
  const shown = plainName(name) ?? localName(userId);
  return html`<span class="who"
    ><weft-avatar
      seed=${userId}
      name=${shown}
      .mxc=${avatar ?? undefined}
      size=${size}
    ></weft-avatar
    ><span
      ><a class="name ellipsis" href=${hrefToUser(userId)}>${shown}</a
      ><span class="id ellipsis">${userId}</span></span
    ></span
  >`;
}

export const hrefToUser = (userId: string): string =>
  hrefTo({ page: "admin", path: ["users", userId] });

export const hrefToAdminRoom = (roomId: string): string =>
  hrefTo({ page: "admin", path: ["rooms", roomId] });

/** The way back from something's page to the list that it is in. */
export function backTo(section: string, label: string): TemplateResult {
  const href = hrefTo({ page: "admin", path: [section] });
  return html`<a class="icon-button" href=${href} title=${label} aria-label=${label}
    >${icon("arrowLeft")}</a
  >`;
}

/** Sections of something's page, each with an address. */
export function tabs(
  label: string,
  all: readonly (readonly [path: readonly string[], label: string])[],
  current: string,
): TemplateResult {
  return html`<nav class="tabs" aria-label=${label}>
    ${all.map(([path, name]) => {
      const href = hrefTo({ page: "admin", path });
      return html`<a href=${href} aria-current=${href === current ? "page" : nothing}>${name}</a>`;
    })}
  </nav>`;
}

/** When something is due, from now on: "in 8 minutes". */
export function due(ts: number | null | undefined): TemplateResult | string {
  if (ts === null || ts === undefined || ts <= 0) return "–";
  const ms = ts - Date.now();
  const said = ms < 60_000 ? msg("within a minute") : inUnits(ms);
  return html`<time datetime=${new Date(ts).toISOString()} title=${fullTime(ts)}>${said}</time>`;
}

function inUnits(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  const [value, unit] =
    minutes < 90
      ? ([minutes, "minute"] as const)
      : minutes < 48 * 60
        ? ([Math.round(minutes / 60), "hour"] as const)
        : ([Math.round(minutes / 1440), "day"] as const);
  return new Intl.RelativeTimeFormat(locale()).format(value, unit);
}
