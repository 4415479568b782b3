import { css } from "lit";

/** The frame of the administration: its parts on the side, above them where it is narrow. */
export const placeStyles = css`
  :host {
    display: block;
    height: 100%;
  }
  .frame {
    display: grid;
    grid-template:
      "bar main" var(--bar)
      "nav main" minmax(0, 1fr) / 230px minmax(0, 1fr);
    height: 100%;
    background: var(--paper);
  }
  .top {
    grid-area: bar;
    display: flex;
    align-items: center;
    gap: var(--space-2);
    padding: 0 var(--space-3);
    background: var(--side);
    border-inline-end: 1px solid var(--line);
  }
  h1 {
    margin: 0;
    font-size: 1.1em;
  }
  nav {
    grid-area: nav;
    padding: var(--space-2) var(--space-3);
    overflow-y: auto;
    background: var(--side);
    border-inline-end: 1px solid var(--line);
    scrollbar-width: thin;
  }
  ul {
    display: grid;
    gap: 2px;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  nav a {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    min-height: 36px;
    padding: 0 var(--space-3);
    border-radius: var(--radius);
    color: var(--text);
    text-decoration: none;
  }
  nav a .icon {
    color: var(--muted);
  }
  nav a:hover {
    background: var(--hover);
  }
  nav a[aria-current] {
    background: var(--accent-soft);
    color: var(--accent);
    font-weight: 600;
  }
  nav a[aria-current] .icon {
    color: inherit;
  }
  main {
    grid-area: main;
    min-width: 0;
    outline: none;
  }
  .content {
    max-width: 1120px;
    padding: var(--space-5);
  }
  @media (max-width: 859px) {
    .frame {
      grid-template: "bar" var(--bar) "nav" auto "main" minmax(0, 1fr) / minmax(0, 1fr);
    }
    .top,
    nav {
      border-inline-end: 0;
    }
    nav {
      padding: 0 var(--space-3) var(--space-2);
      border-bottom: 1px solid var(--line);
      overflow: auto hidden;
    }
    ul {
      display: flex;
      width: max-content;
    }
    nav a {
      white-space: nowrap;
    }
    .content {
      padding: var(--space-4);
    }
  }
`;
