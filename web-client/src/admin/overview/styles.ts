import { css } from "lit";

/** What the overview has besides what all sections share. */
export const overviewStyles = css`
  .tiles {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(150px, 100%), 1fr));
    gap: var(--space-3);
    margin: 0 0 var(--space-5);
    padding: 0;
    list-style: none;
  }
  .tile {
    display: grid;
    gap: 2px;
    height: 100%;
    padding: var(--space-3) var(--space-4);
    border: 1px solid var(--line);
    border-radius: var(--radius-big);
    background: var(--raised);
    color: var(--text);
    text-decoration: none;
    transition: border-color 0.12s;
  }
  a.tile:hover {
    border-color: var(--accent);
  }
  .tile .value {
    font-size: 1.5em;
    font-weight: 600;
    font-variant-numeric: tabular-nums;
    line-height: 1.25;
  }
  .tile .label {
    color: var(--muted);
    font-size: 0.87em;
  }
  .processes {
    display: grid;
    gap: var(--space-3);
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .processes li {
    padding: var(--space-3) var(--space-4);
    border: 1px solid var(--line);
    border-radius: var(--radius-big);
    background: var(--raised);
  }
  .processes .facts {
    grid-template-columns: repeat(auto-fill, minmax(min(140px, 100%), 1fr));
    margin-bottom: 0;
  }
  h4 {
    margin: 0 0 var(--space-2);
    font-size: 1em;
    font-weight: 600;
  }
`;
