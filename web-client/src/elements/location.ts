import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { object, text, type Unchecked } from "../api/types.ts";
import { base, buttons } from "../styles/shared.ts";
import { plainName } from "../text/names.ts";
import { icon } from "./icon.ts";

/** The degrees that a `geo:` address names, north and east; undefined for others. */
export function placeOf(uri: string | undefined): { north: number; east: number } | undefined {
  const match = /^geo:(-?\d{1,3}(?:\.\d{1,15})?),(-?\d{1,3}(?:\.\d{1,15})?)(?:[,;]|$)/.exec(
    uri ?? "",
  );
  if (match === null) return undefined;
  const [north, east] = [Number(match[1]), Number(match[2])];
  return Math.abs(north) <= 90 && Math.abs(east) <= 180 ? { north, east } : undefined;
}

/** A place that somebody told. Nothing is asked of a map before somebody goes there. */
@customElement("weft-location")
export class WeftLocation extends LitElement {
  @property({ attribute: false }) content: Unchecked<"m.room.message"> = {};

  static override styles = [
    base,
    buttons,
    css`
      .place {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-2) var(--space-3);
        width: min(380px, 100%);
        margin: 3px 0;
        padding: var(--space-2) var(--space-3);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--raised);
      }
      .place > .icon {
        color: var(--accent);
        font-size: 1.3em;
      }
      .about {
        display: grid;
        flex: 1;
        min-width: 140px;
        line-height: 1.35;
      }
      .degrees {
        color: var(--muted);
        font-size: 0.85em;
        font-variant-numeric: tabular-nums;
      }
    `,
  ];

  override render() {
    const content = this.content as Record<string, never>;
    const place = placeOf(text(this.content, "geo_uri"));
    const described = text(object(content, "org.matrix.msc3488.location"), "description");
    const words = plainName(described) ?? plainName(text(this.content, "body"));
    const name = words === undefined || /geo:/.test(words) ? msg("A place") : words;
    if (place === undefined) {
      return html`<div class="place">${icon("place")}<span class="about">${name}</span></div>`;
    }
    const { north, east } = place;
    const map = `https://www.openstreetmap.org/?mlat=${north}&mlon=${east}#map=16/${north}/${east}`;
    return html`<div class="place">
      ${icon("place")}
      <span class="about">
        <span class="ellipsis">${name}</span>
        <span class="degrees">${north.toFixed(5)}, ${east.toFixed(5)}</span>
      </span>
      <a class="button small" href=${map} target="_blank" rel="noopener noreferrer nofollow"
        >${msg("Open the map")}</a
      >
    </div>`;
  }
}
