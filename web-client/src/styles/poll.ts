import { css } from "lit";

export const pollStyles = css`
  :host {
    display: block;
  }
  .poll {
    width: min(440px, 100%);
    margin: 3px 0;
    padding: var(--space-3);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--raised);
  }
  .question {
    display: flex;
    gap: var(--space-2);
    margin: 0 0 var(--space-2);
    font-weight: 600;
    unicode-bidi: isolate;
  }
  .question .icon {
    color: var(--accent);
  }
  .answer {
    position: relative;
    display: flex;
    align-items: center;
    gap: var(--space-2);
    width: 100%;
    min-height: 38px;
    margin-top: var(--space-1);
    padding: var(--space-1) var(--space-3);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: none;
    text-align: start;
    overflow: hidden;
  }
  .answer:disabled {
    opacity: 1;
  }
  .answer:hover:not(:disabled) {
    border-color: var(--line-strong);
  }
  .answer[aria-checked="true"] {
    border-color: var(--accent);
  }
  .mark {
    display: grid;
    place-items: center;
    flex: none;
    width: 18px;
    height: 18px;
    border: 2px solid var(--line-strong);
    border-radius: 50%;
    font-size: 0.65em;
  }
  [role="checkbox"] .mark {
    border-radius: 5px;
  }
  [aria-checked="true"] .mark {
    border-color: var(--accent);
    background: var(--accent);
    color: var(--on-accent);
  }
  .text {
    z-index: 1;
    flex: 1;
    min-width: 0;
    overflow-wrap: anywhere;
    unicode-bidi: isolate;
  }
  .count {
    z-index: 1;
    font-size: 0.87em;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .winner .count {
    font-weight: 650;
  }
  .bar {
    position: absolute;
    inset: auto auto 0 0;
    height: 3px;
    background: var(--accent);
    transition: width 0.2s;
  }
  .foot {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: var(--space-2);
    min-height: 30px;
    margin: var(--space-2) 0 0;
    color: var(--muted);
    font-size: 0.9em;
  }
`;
