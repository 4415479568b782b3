import { css } from "lit";

/** Pages that take the place of a conversation: settings, the directory. */
export const pageStyles = css`
  :host {
    display: block;
    height: 100%;
  }
  .page {
    height: 100%;
  }
  .page > header {
    position: sticky;
    z-index: 1;
    top: 0;
    display: flex;
    align-items: center;
    gap: var(--space-2);
    height: var(--bar);
    padding: 0 var(--space-5);
    border-bottom: 1px solid var(--line);
    background: var(--paper);
  }
  h1 {
    margin: 0;
    font-size: 1.1em;
  }
  .content {
    max-width: 720px;
    margin: 0 auto;
    padding: var(--space-5);
  }
  @media (min-width: 720px) {
    .back {
      display: none;
    }
  }
  @media (max-width: 719px) {
    .page > header {
      padding: 0 var(--space-1);
    }
    .content {
      padding: var(--space-4);
    }
  }
`;

/** The sections of a page, as tabs that are links. */
export const tabStyles = css`
  nav {
    display: flex;
    gap: var(--space-1);
    margin-bottom: var(--space-5);
    border-bottom: 1px solid var(--line);
    flex-wrap: wrap;
  }
  nav a {
    padding: var(--space-2) var(--space-3);
    border-bottom: 2px solid transparent;
    color: var(--muted);
    text-decoration: none;
    white-space: nowrap;
  }
  nav a:hover {
    color: var(--text);
  }
  nav a[aria-current] {
    border-color: var(--accent);
    color: var(--text);
    font-weight: 600;
  }
`;
