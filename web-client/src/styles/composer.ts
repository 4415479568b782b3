import { css } from "lit";

export const composerStyles = css`
  :host {
    display: block;
    padding: 0 var(--space-4) var(--space-4);
  }
  .box {
    position: relative;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-big);
    background: var(--raised);
  }
  .box:focus-within {
    border-color: var(--accent);
    box-shadow: 0 0 0 1px var(--accent);
  }
  @media (forced-colors: active) {
    .box:focus-within {
      outline: 2px solid Highlight;
    }
  }
  .row {
    display: flex;
    align-items: flex-end;
    gap: 2px;
    padding: 5px;
  }
  textarea {
    flex: 1;
    min-width: 0;
    min-height: 36px;
    max-height: 220px;
    padding: 7px var(--space-2);
    border: 0;
    background: none;
    color: var(--text);
    font: inherit;
    line-height: 22px;
    resize: none;
    outline: none !important;
    scrollbar-width: thin;
  }
  textarea::placeholder {
    color: var(--muted);
    opacity: 1;
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .send:not(:disabled) {
    background: var(--accent);
    color: var(--on-accent);
  }
  .send:hover:not(:disabled) {
    background: var(--accent-hover);
    color: var(--on-accent);
  }
  .context {
    display: flex;
    align-items: center;
    gap: var(--space-2);
    padding: var(--space-1) 5px 0 var(--space-3);
    color: var(--muted);
    font-size: 0.9em;
  }
  .context > span:nth-child(2) {
    flex: 1;
  }
  .context b {
    color: var(--text);
  }
  .context .icon-button {
    width: 28px;
    height: 28px;
  }
  #offers {
    position: absolute;
    z-index: 3;
    right: 0;
    bottom: calc(100% + 6px);
    left: 0;
    margin: 0;
    padding: var(--space-1);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--raised);
    box-shadow: var(--shadow);
    max-height: min(360px, 50vh);
    overflow-y: auto;
    list-style: none;
  }
  [role="option"] {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    padding: 5px var(--space-2);
    border-radius: 6px;
    cursor: pointer;
  }
  [role="option"][aria-selected="true"] {
    background: var(--accent-soft);
  }
  .id {
    margin-left: auto;
    color: var(--muted);
    font-size: 0.85em;
  }
  .sign {
    display: inline-grid;
    place-items: center;
    flex: none;
    width: 26px;
    font-size: 1.2em;
  }
  .problem {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-1) var(--space-2);
    padding: 0 var(--space-3) var(--space-2);
    color: var(--danger);
    font-size: 0.92em;
  }
  .problem span:nth-child(2) {
    flex: 1;
    min-width: 200px;
  }
  .barred {
    margin: 0;
    padding: var(--space-3);
    border-radius: var(--radius);
    background: var(--sunken);
    color: var(--muted);
    text-align: center;
  }
  @media (max-width: 719px) {
    :host {
      padding: 0 var(--space-2) max(var(--space-2), env(safe-area-inset-bottom));
    }
  }
`;
