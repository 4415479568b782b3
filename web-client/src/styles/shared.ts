import { css } from "lit";

/** What every shadow root needs: box model, focus rings, hidden labels, icons. */
export const base = css`
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  main:focus-visible {
    outline: none;
  }
  .hidden-label {
    position: absolute;
    /* Behind a long line it would make the page wider. */
    inset-inline-start: 0;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .icon {
    display: inline-flex;
    flex: none;
  }
  .icon svg {
    width: 1.25em;
    height: 1.25em;
  }
  .ellipsis {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    /* Names are strangers': one that reads from the right turns nothing beside it. */
    unicode-bidi: isolate;
  }
  a {
    color: var(--accent);
  }
  .scroll {
    overflow-y: auto;
    scrollbar-width: thin;
    scrollbar-color: var(--line) transparent;
  }
  @media (prefers-reduced-motion: reduce) {
    * {
      animation-duration: 0.01ms !important;
      transition-duration: 0.01ms !important;
    }
  }
`;

export const buttons = css`
  button {
    font: inherit;
    color: inherit;
    cursor: pointer;
  }
  button:disabled {
    cursor: default;
    opacity: 0.55;
  }
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: var(--space-2);
    min-height: 38px;
    padding: 0 var(--space-4);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--raised);
    color: var(--text);
    font-weight: 550;
    text-decoration: none;
    transition: background 0.12s;
  }
  .button:hover:not(:disabled) {
    background: color-mix(in oklab, var(--raised), var(--text) 6%);
  }
  .button.primary {
    border-color: transparent;
    background: var(--accent);
    color: var(--on-accent);
  }
  .button.primary:hover:not(:disabled) {
    background: var(--accent-hover);
  }
  .button.danger {
    border-color: transparent;
    background: var(--danger);
    color: var(--on-danger);
  }
  .button.danger:hover:not(:disabled) {
    background: color-mix(in oklab, var(--danger), var(--text) 14%);
  }
  .button.quiet {
    border-color: transparent;
    background: none;
    color: var(--accent);
  }
  .button.small {
    min-height: 30px;
    padding: 0 var(--space-3);
    font-size: 0.92em;
  }
  .icon-button {
    display: inline-grid;
    place-items: center;
    flex: none;
    width: 36px;
    height: 36px;
    padding: 0;
    border: 0;
    border-radius: var(--radius);
    background: none;
    color: var(--muted);
    text-decoration: none;
    transition: background 0.12s;
  }
  .icon-button:hover:not(:disabled) {
    background: var(--hover);
    color: var(--text);
  }
  .icon-button[aria-expanded="true"],
  .icon-button[aria-pressed="true"] {
    background: var(--marked);
    color: var(--text);
  }
`;

export const forms = css`
  label,
  .label {
    display: block;
    margin-bottom: var(--space-1);
    font-size: 0.92em;
    font-weight: 550;
  }
  .field {
    margin-bottom: var(--space-4);
  }
  .hint {
    margin: var(--space-1) 0 0;
    color: var(--muted);
    font-size: 0.87em;
  }
  input:not([type="checkbox"], [type="radio"], [type="file"]),
  textarea,
  select {
    width: 100%;
    min-height: 40px;
    padding: var(--space-2) var(--space-3);
    border: 1px solid var(--line-strong);
    border-radius: var(--radius);
    background: var(--raised);
    color: var(--text);
    font: inherit;
  }
  input:focus-visible,
  textarea:focus-visible,
  select:focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: -1px;
    border-color: transparent;
  }
  input::placeholder,
  textarea::placeholder {
    color: var(--muted);
    opacity: 1;
  }
  input[type="checkbox"],
  input[type="radio"] {
    accent-color: var(--accent);
    width: 17px;
    height: 17px;
    margin: 0;
    flex: none;
  }
  .choice {
    display: flex;
    align-items: center;
    gap: var(--space-2);
    font-weight: 400;
    font-size: 1em;
  }
  .problem {
    margin: 0 0 var(--space-4);
    padding: var(--space-2) var(--space-3);
    border-radius: var(--radius);
    background: var(--danger-soft);
    color: var(--danger);
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    justify-content: flex-end;
    gap: var(--space-2);
    margin-top: var(--space-5);
  }
`;

/** Lists whose lines are buttons from one edge to the other, such as people. */
export const buttonRows = css`
  ul {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  li button {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    width: 100%;
    padding: 5px var(--space-2);
    border: 0;
    border-radius: var(--radius);
    background: none;
    text-align: start;
  }
  li button:hover {
    background: var(--hover);
  }
`;
