import { css } from "lit";

export const roomListStyles = css`
  :host {
    position: relative;
    display: flex;
    flex: 1;
    min-height: 0;
  }
  .list {
    flex: 1;
    min-width: 0;
    padding: 0 var(--space-2) var(--space-4);
  }
  h2 {
    display: flex;
    align-items: center;
    min-height: 30px;
    margin: var(--space-2) 0 0;
    padding-inline-start: calc(var(--depth, 0) * var(--space-2));
    color: var(--muted);
    font-size: 0.8em;
    font-weight: 600;
  }
  h2 button {
    display: flex;
    flex: 1;
    align-items: center;
    gap: var(--space-1);
    min-width: 0;
    min-height: 28px;
    padding: 0 var(--space-1);
    border: 0;
    border-radius: var(--radius);
    background: none;
    font: inherit;
  }
  h2 button:hover {
    color: var(--text);
  }
  h2 .icon-button {
    width: 28px;
    height: 28px;
  }
  .size {
    font-weight: 400;
  }
  .dot {
    width: 8px;
    height: 8px;
    border-radius: 50%;
    background: var(--accent);
  }
  ul {
    min-height: 4px;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  li {
    border-top: 2px solid transparent;
    margin-top: -2px;
  }
  li.over {
    border-top-color: var(--accent);
  }
  .empty {
    padding: var(--space-5) var(--space-3);
    color: var(--muted);
    text-align: center;
  }
`;
