import { svg, type TemplateResult } from "lit";

/** Weft's sign: threads over and under. */
export function logo(size = 32): TemplateResult {
  return svg`<svg width=${size} height=${size} viewBox="0 0 32 32" fill="none" aria-hidden="true" stroke-width="3.4" stroke-linecap="round">
    <path d="M9 4v5M9 15v13M16 4v12M16 22v6M23 4v5M23 15v13" stroke="currentColor" opacity=".45"></path>
    <path d="M4 12h24" stroke="var(--accent)"></path>
    <path d="M4 19h8.6M19.4 19H28" stroke="var(--accent)"></path>
  </svg>`;
}
