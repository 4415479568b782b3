import { css } from "lit";

export const sidebarStyles = css`
  :host {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr);
    background: var(--side);
    --dot-ring: var(--side);
  }
  nav {
    display: flex;
    flex-direction: column;
    min-height: 0;
    height: 100%;
  }
  header {
    display: flex;
    align-items: center;
    justify-content: space-between;
    height: var(--bar);
    padding: 0 var(--space-2) 0 var(--space-2);
    flex: none;
  }
  header weft-menu:first-child {
    min-width: 0;
    flex: 1;
  }
  .me {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    min-width: 0;
    padding: var(--space-1) var(--space-2);
    color: var(--text);
    text-align: start;
  }
  .who {
    display: grid;
    min-width: 0;
    line-height: 1.25;
  }
  .name {
    font-weight: 600;
  }
  .id {
    color: var(--muted);
    font-size: 0.8em;
  }
  .search {
    position: relative;
    flex: none;
    margin: 0 var(--space-3) var(--space-2);
  }
  .search > .icon {
    position: absolute;
    top: 10px;
    left: 11px;
    color: var(--muted);
    font-size: 0.85em;
  }
  .search input {
    min-height: 36px;
    padding-left: 36px;
    border-color: transparent;
    background: color-mix(in oklab, var(--side), var(--text) 6%);
  }
  .filters {
    display: flex;
    gap: var(--space-1);
    flex: none;
    padding: 0 var(--space-3) var(--space-2);
  }
  .filters button {
    min-height: 28px;
    padding: 0 var(--space-3);
    border: 0;
    border-radius: 14px;
    background: none;
    color: var(--muted);
    font-size: 0.88em;
  }
  .filters button:hover {
    background: var(--hover);
  }
  .filters button[aria-pressed="true"] {
    background: var(--accent-soft);
    color: var(--accent);
    font-weight: 600;
  }
`;
