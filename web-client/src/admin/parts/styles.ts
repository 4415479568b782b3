import { css } from "lit";

/** What the sections of the administration share. */
export const adminStyles = css`
  :host {
    display: block;
  }
  .bar {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2);
    margin-bottom: var(--space-4);
  }
  .bar h2 {
    flex: 1 1 12ch;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  h2 {
    margin: 0;
    font-size: 1.25em;
    outline: none;
  }
  h3 {
    margin: var(--space-5) 0 var(--space-2);
    font-size: 1.02em;
  }
  .hint {
    margin: 0 0 var(--space-4);
    max-width: 70ch;
    color: var(--muted);
  }
  .facts {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(240px, 100%), 1fr));
    gap: var(--space-3) var(--space-5);
    margin: 0 0 var(--space-5);
  }
  .facts dt {
    color: var(--muted);
    font-size: 0.87em;
  }
  .facts dd {
    margin: 0;
    overflow-wrap: anywhere;
  }
  .tag {
    display: inline-block;
    padding: 0 var(--space-2);
    border: 1px solid transparent;
    border-radius: 10px;
    background: var(--accent-soft);
    color: var(--accent);
    font-size: 0.83em;
    font-weight: 600;
    white-space: nowrap;
  }
  .tag.bad {
    background: var(--danger-soft);
    color: var(--danger);
  }
  .tag.quiet {
    background: var(--sunken);
    color: var(--muted);
  }
  .tags {
    display: inline-flex;
    flex-wrap: wrap;
    gap: var(--space-1);
  }
  .who {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    min-width: 0;
  }
  .who > span {
    display: grid;
    min-width: 0;
  }
  .who .name {
    font-weight: 550;
  }
  .id {
    color: var(--muted);
    font-size: 0.87em;
  }
  .id,
  code {
    overflow-wrap: anywhere;
  }
  code {
    font-family: var(--mono);
    font-size: 0.92em;
  }
  .tabs {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-1);
    margin-bottom: var(--space-4);
    border-bottom: 1px solid var(--line);
  }
  .tabs a {
    padding: var(--space-2) var(--space-3);
    border-bottom: 2px solid transparent;
    color: var(--muted);
    text-decoration: none;
  }
  .tabs a:hover {
    color: var(--text);
  }
  .tabs a[aria-current] {
    border-color: var(--accent);
    color: var(--text);
    font-weight: 600;
  }
  .acts {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2);
    margin-bottom: var(--space-5);
  }
  /* Only the window that asks back has it in full. */
  .acts .button.danger {
    border-color: var(--line);
    background: var(--raised);
    color: var(--danger);
  }
  .acts .button.danger:hover:not(:disabled) {
    background: var(--danger-soft);
  }
  .waiting {
    color: var(--muted);
  }
  .failed {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-3);
  }
  .failed .problem {
    margin: 0;
  }
  pre {
    margin: 0 0 var(--space-4);
    padding: var(--space-3);
    border-radius: var(--radius);
    background: var(--sunken);
    font: 0.87em/1.5 var(--mono);
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
`;
