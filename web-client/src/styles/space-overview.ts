import { css } from "lit";

export const spaceOverviewStyles = css`
  :host {
    display: block;
    height: 100%;
    min-height: 0;
  }
  .page {
    height: 100%;
  }
  .content {
    max-width: 720px;
    margin: 0 auto;
    padding: var(--space-5);
  }
  .topic {
    margin: 0 0 var(--space-4);
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2);
    margin-bottom: var(--space-5);
  }
  h2 {
    margin: 0;
    font-size: 1.05em;
  }
  ul {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  ul ul {
    padding-inline-start: var(--space-5);
  }
  li {
    border-bottom: 1px solid var(--line);
  }
  li li:last-child {
    border: 0;
  }
  li.over {
    border-bottom-color: var(--accent);
  }
  .line {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    min-height: 60px;
    padding: var(--space-2) 0;
  }
  .about {
    flex: 1;
    min-width: 0;
  }
  p {
    margin: 0;
  }
  .name {
    display: flex;
    align-items: center;
    gap: var(--space-2);
    min-width: 0;
    font-weight: 600;
  }
  .name a {
    color: var(--text);
    text-decoration: none;
  }
  .name a:hover {
    text-decoration: underline;
  }
  .open {
    display: flex;
    align-items: center;
    gap: var(--space-1);
    min-width: 0;
    padding: 0;
    border: 0;
    background: none;
    font: inherit;
    text-align: start;
  }
  .tag {
    flex: none;
    padding: 0 var(--space-2);
    border-radius: 10px;
    background: var(--accent-soft);
    color: var(--accent);
    font-size: 0.78em;
    line-height: 20px;
  }
  .muted {
    color: var(--muted);
    font-size: 0.9em;
  }
  .muted[role="status"] {
    padding: var(--space-2) 0;
  }
  .muted[role="status"]:empty {
    padding: 0;
  }
`;
