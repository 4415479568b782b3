import { css } from "lit";

export const packStyles = css`
  :host {
    display: block;
  }
  .about,
  .tools {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-3);
    margin-bottom: var(--space-3);
  }
  .about .one {
    flex: 1;
    min-width: 160px;
  }
  ul {
    margin: 0 0 var(--space-3);
    padding: 0;
    list-style: none;
  }
  .line {
    display: flex;
    flex-wrap: wrap;
    align-items: end;
    gap: var(--space-2);
    padding: var(--space-2) 0;
    border-bottom: 1px solid var(--line);
  }
  .line weft-emoticon {
    flex: none;
    width: 48px;
    height: 48px;
    margin-bottom: 2px;
  }
  .line .one {
    flex: 1;
    min-width: 90px;
  }
  .line label {
    margin-bottom: 2px;
    color: var(--muted);
    font-size: 0.82em;
  }
  .line .icon-button {
    margin-bottom: 2px;
  }
  .wrong {
    display: block;
    color: var(--danger);
    font-size: 0.85em;
  }
  .button.end {
    margin-inline-start: auto;
    color: var(--danger);
  }
  details {
    margin-bottom: var(--space-3);
    border: 1px solid var(--line);
    border-radius: var(--radius);
  }
  summary {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    padding: var(--space-3);
    cursor: pointer;
  }
  summary > .icon {
    color: var(--muted);
    transition: rotate 0.12s;
  }
  details[open] > summary > .icon {
    rotate: 90deg;
  }
  summary weft-emoticon {
    width: 28px;
    height: 28px;
  }
  summary .grow,
  .row .grow {
    flex: 1;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .inner {
    padding: 0 var(--space-3) var(--space-3);
  }
  .muted {
    color: var(--muted);
    font-size: 0.9em;
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2) var(--space-3);
    padding: var(--space-2) 0;
  }
  h2 {
    margin: var(--space-5) 0 var(--space-2);
    font-size: 1.05em;
  }
  h2:first-child {
    margin-top: 0;
  }
`;
